// Which scans a browser shows just as the network saw them; all others are shown in the station's own rendition.
import { formatOf } from './format'
import { readJpeg } from './jpeg'
import { readPng } from './png'
import { readTiff } from './tiff'

/** What changes no pixel on the screen. Profiles, gammas, turns, transparency, moving pictures and light maps do. */
const PLAIN_CHUNKS = new Set([
  'IHDR',
  'PLTE',
  'IDAT',
  'IEND',
  'tEXt',
  'zTXt',
  'iTXt',
  'tIME',
  'pHYs',
  'sRGB',
  'bKGD',
  'hIST',
  'sBIT',
])
const APP0 = 0xe0
const EXIF = 0xe1
const APP15 = 0xef
const ADOBE = 0xee

/** The MIME type of a plain JPEG or PNG, to be shown byte for byte; null for everything else. */
export function shownAsItIs(bytes: Uint8Array): 'image/jpeg' | 'image/png' | null {
  const format = formatOf(bytes)
  if (format === 'jpeg') return isPlainJpeg(bytes) ? 'image/jpeg' : null
  if (format !== 'png') return null
  const { chunks } = readPng(bytes)
  const [depth, colour] = bytes.subarray(24, 26)
  // colour types: grey, RGB, palette; those with alpha are 4 and 6
  const plain = depth !== undefined && depth <= 8 && colour !== undefined && colour < 4
  return plain && chunks.every(({ type }) => PLAIN_CHUNKS.has(type)) ? 'image/png' : null
}

function isPlainJpeg(bytes: Uint8Array): boolean {
  return readJpeg(bytes).segments.every(({ marker, at, length }) => {
    if (marker < APP0 || marker > APP15 || marker === APP0 || marker === ADOBE) return true
    if (marker !== EXIF || String.fromCharCode(...bytes.subarray(at, at + 4)) !== 'Exif') return false
    return readTiff(bytes.subarray(at + 6, at + length))?.orientation === 1
  })
}
