// Windows bitmaps, which sharp's libvips can't read: uncompressed, 24 or 32 bits a pixel. Everything in the header is distrusted.
import { BadScan, checkSize } from './bad-scan'

export interface Pixels {
  width: number
  height: number
  /** RGB, 8 bits a channel, row by row from the top */
  data: Uint8Array
}

const BI_RGB = 0
const BI_BITFIELDS = 3
const HEADERS = [40, 52, 56, 108, 124]

/** Decodes a BMP. A fourth channel is ignored: in most files it is padding, not alpha. Throws BadScan. */
export function decodeBmp(bytes: Uint8Array): Pixels {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 54) throw new BadScan('The BMP file is cut off: its header is incomplete.')
  const start = view.getUint32(10, true)
  const headerSize = view.getUint32(14, true)
  if (!HEADERS.includes(headerSize)) throw new BadScan('The BMP file has a header of an unknown kind.')
  const width = view.getInt32(18, true)
  const storedHeight = view.getInt32(22, true)
  const bits = view.getUint16(28, true)
  const compression = view.getUint32(30, true)
  // A negative height says that the rows run from the top down.
  const height = Math.abs(storedHeight)
  if (width <= 0 || height === 0) throw new BadScan('The BMP file states a size that makes no sense.')
  checkSize(width, height)
  if (bits <= 8) throw new BadScan(`The BMP file has ${bits} bits a pixel: the network reads 24-bit pseudo-colour.`)
  if (bits !== 24 && bits !== 32) throw new BadScan(`The BMP file has ${bits} bits a pixel: only 24 and 32 can be read.`)
  if (compression !== BI_RGB && !(compression === BI_BITFIELDS && bits === 32 && usualMasks(view)))
    throw new BadScan('The BMP file is compressed or has an unusual pixel layout: only plain 24- and 32-bit BMP can be read.')
  const step = bits / 8
  // Rows are padded to whole 32-bit words.
  const stride = Math.ceil((width * bits) / 32) * 4
  if (start < 14 + headerSize || start + stride * (height - 1) + width * step > bytes.length)
    throw new BadScan('The BMP file is cut off: pixels are missing.')

  const data = new Uint8Array(width * height * 3)
  let out = 0
  for (let row = 0; row < height; row += 1) {
    let at = start + stride * (storedHeight > 0 ? height - 1 - row : row)
    for (let column = 0; column < width; column += 1, at += step, out += 3) {
      data[out] = bytes[at + 2] ?? 0
      data[out + 1] = bytes[at + 1] ?? 0
      data[out + 2] = bytes[at] ?? 0
    }
  }
  return { width, height, data }
}

/** Whether the channel masks say blue, green, red from the lowest byte up. */
function usualMasks(view: DataView): boolean {
  return (
    view.byteLength >= 66 &&
    view.getUint32(54, true) === 0xff0000 &&
    view.getUint32(58, true) === 0xff00 &&
    view.getUint32(62, true) === 0xff
  )
}
