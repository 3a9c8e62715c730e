// A Windows bitmap's own account of itself: its header. Everything stated is distrusted.

export interface BmpLayout {
  width: number
  height: number
  /** rows run from the top down */
  topDown: boolean
  bits: number
  compression: number
  /** where the pixels begin, and bytes a row, padded to whole 32-bit words */
  start: number
  stride: number
  /** channel masks where the header has them: red, green, blue, alpha */
  masks: [number, number, number, number] | null
  /** end of the pixels of an uncompressed bitmap; null where the rows are compressed */
  end: number | null
}

const HEADERS = [40, 52, 56, 108, 124]
const BI_BITFIELDS = 3

/** Reads a bitmap's header; a word on why not, where it is too short or of no known kind. */
export function readBmp(bytes: Uint8Array): BmpLayout | string {
  if (bytes.length < 54) return 'is cut off: its header is incomplete'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = view.getUint32(10, true)
  const headerSize = view.getUint32(14, true)
  if (!HEADERS.includes(headerSize)) return 'has a header of an unknown kind'
  const width = view.getInt32(18, true)
  const storedHeight = view.getInt32(22, true)
  const bits = view.getUint16(28, true)
  const compression = view.getUint32(30, true)
  if (width <= 0 || storedHeight === 0) return 'states a size that makes no sense'
  const height = Math.abs(storedHeight)
  const stride = Math.ceil((width * bits) / 32) * 4
  const mask = (at: number): number => (at + 4 <= bytes.length ? view.getUint32(at, true) : 0)
  const masked = compression === BI_BITFIELDS || headerSize >= 52
  return {
    width,
    height,
    topDown: storedHeight < 0,
    bits,
    compression,
    start,
    stride,
    masks: masked ? [mask(54), mask(58), mask(62), headerSize >= 56 ? mask(66) : 0] : null,
    end: compression === 0 || compression === BI_BITFIELDS ? start + stride * (height - 1) + (width * bits) / 8 : null,
  }
}
