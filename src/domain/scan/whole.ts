// Whether a scan is whole by its own format: the feed waits for what is not, the decoder refuses it, in the same words.
import { readBmp } from './bmp'
import { FORMAT_NAMES, formatOf } from './format'
import { LONGEST_RUN, readJpeg, runOver } from './jpeg'
import { readPng } from './png'
import { readTiff, type TiffLayout } from './tiff'

/** Bytes that tell a picture's kind. */
const SHORTEST = 12

export interface Wholeness {
  /** what is missing, as a sentence; null where the format says that everything is there */
  lacks: string | null
  /** the format's own end is the file's end, so that no writer has more to add */
  closed: boolean
}

/**
 * Judges a file's bytes. Empty bytes and a beginning of zeros lack everything (a writer has not begun); bytes of no known format lack nothing that
 * could be waited for. A hole of zeros counts as missing: a copying program that reserves the space first leaves one until it is done.
 */
export function wholeness(bytes: Uint8Array): Wholeness {
  if (bytes.length === 0) return { lacks: 'The file is empty (zero bytes).', closed: false }
  const format = formatOf(bytes)
  if (format === null && bytes.length < SHORTEST && !isBlank(bytes))
    return { lacks: 'The file is cut off: it is too short to be a picture.', closed: false }
  if (format === null)
    return { lacks: isBlank(bytes) ? 'The file begins with zeros: nothing has been written there.' : null, closed: false }
  const { lacks, end } = READERS[format](bytes)
  return {
    lacks: lacks === null ? null : `The ${FORMAT_NAMES[format]} file ${lacks}.`,
    closed: lacks === null && end === bytes.length,
  }
}

/** Whether a file's beginning is nothing but zeros: space that a writer has reserved and not filled. */
export const isBlank = (head: Uint8Array): boolean => head.length > 0 && head.subarray(0, 12).every((byte) => byte === 0)

/** What is missing, to follow "The … file", and where the format says that it ends. */
interface Found {
  lacks: string | null
  end: number | null
}
const CUT = 'is damaged or cut off'

const READERS = {
  jpeg: (bytes: Uint8Array): Found => {
    const { lacks, end } = readJpeg(bytes)
    return { lacks: lacks && `${CUT} (it ${lacks})`, end }
  },
  png: (bytes: Uint8Array): Found => {
    const { end } = readPng(bytes)
    return { lacks: end === null ? `${CUT} (it ends before its last part)` : null, end }
  },
  webp: (bytes: Uint8Array): Found => {
    if (bytes.length < 20) return { lacks: CUT, end: null }
    // padded to even, though some writers leave the last byte out
    const stated = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(4, true) + 8
    if (stated > bytes.length + (stated & 1)) return { lacks: `${CUT} (it is shorter than it says)`, end: null }
    const end = Math.min(stated, bytes.length)
    return { lacks: hole(bytes, 20, end), end }
  },
  bmp: (bytes: Uint8Array): Found => {
    const layout = readBmp(bytes)
    if (typeof layout === 'string') return { lacks: bytes.length < 54 ? layout : null, end: null }
    const { start, stride, end } = layout
    if (end === null) return { lacks: null, end: null }
    if (start < 26 || end > bytes.length) return { lacks: 'is cut off: pixels are missing', end: null }
    return {
      lacks: rowHole(bytes, start, Math.ceil(end), stride),
      end: bytes.length <= start + stride * layout.height ? bytes.length : null,
    }
  },
  tiff: (bytes: Uint8Array): Found => {
    const layout = readTiff(bytes)
    if (layout === null || layout.end > bytes.length) return { lacks: `${CUT} (it is shorter than it says)`, end: null }
    return { lacks: tiffLacks(bytes, layout), end: layout.end }
  },
}

function tiffLacks(
  bytes: Uint8Array,
  { width, height, bitsPerSample, samplesPerPixel, planar, rowsPerStrip, tile, compression, pieces }: TiffLayout,
): string | null {
  const planes = planar === 2 ? samplesPerPixel : 1
  const [pieceWidth, pieceHeight] = tile ?? [width, rowsPerStrip]
  if (pieceWidth < 1 || pieceHeight < 1) return `${CUT} (its size makes no sense)`
  const wanted = Math.ceil(width / pieceWidth) * Math.ceil(height / pieceHeight) * planes
  if (pieces.length < wanted || pieces.some(({ length }) => length === 0)) return `${CUT} (parts of its picture are missing)`
  const raw = compression === 1
  const rowBytes = Math.ceil((pieceWidth * (bitsPerSample[0] ?? 8) * (samplesPerPixel / planes)) / 8)
  for (const [i, { at, length }] of pieces.entries()) {
    const rows = tile === null && (i + 1) % (wanted / planes) === 0 ? height - pieceHeight * (wanted / planes - 1) : pieceHeight
    if (raw && length < rowBytes * rows) return `${CUT} (parts of its picture are missing)`
    // A tile's row is short enough to be black in a real scan; a whole tile is not.
    const lacks = raw ? rowHole(bytes, at, at + length, tile === null ? rowBytes : length) : hole(bytes, at, at + length)
    if (lacks !== null) return lacks
  }
  return null
}

/** Coded data: no coder says anything in so many zeros. */
function hole(bytes: Uint8Array, from: number, to: number): string | null {
  const run = runOver(LONGEST_RUN.other, bytes, from, to, 0)
  return run === 0 ? null : `${CUT} (it has a hole: ${run.toLocaleString('en-US')} bytes of its picture are zero)`
}

/** Plain pixels: a whole row of zeros is black from edge to edge, which no real scan is. */
function rowHole(bytes: Uint8Array, from: number, to: number, row: number): string | null {
  const run = runOver(Math.max(1, row - 1), bytes, from, to, 0)
  return run === 0
    ? null
    : `${CUT} (it has a hole: ${Math.floor(run / row).toLocaleString('en-US')} rows of its picture are zero)`
}
