// Windows bitmaps, which sharp's libvips can't read: uncompressed, 24 or 32 bits a pixel.
import { readBmp, type BmpLayout } from '../../domain/scan/bmp'
import { BadScan, checkSize } from './bad-scan'
import { withoutFourthBand } from './bands'

export interface Pixels {
  width: number
  height: number
  /** RGB, 8 bits a channel, row by row from the top */
  data: Uint8Array
}

const BI_RGB = 0
const BI_BITFIELDS = 3
const ALPHA = 0xff000000

/** Decodes a BMP. A fourth byte is padding, unless the header's mask calls it alpha: then the rule of bands.ts holds. Throws BadScan. */
export function decodeBmp(bytes: Uint8Array): Pixels {
  const layout = plainLayout(bytes)
  const { width, height, bits, start, stride, topDown } = layout
  const step = bits / 8
  const bands = hasAlpha(layout) ? 4 : 3
  const data = new Uint8Array(width * height * bands)
  let out = 0
  for (let row = 0; row < height; row += 1) {
    let at = start + stride * (topDown ? row : height - 1 - row)
    for (let column = 0; column < width; column += 1, at += step, out += bands) {
      data[out] = bytes[at + 2] ?? 0
      data[out + 1] = bytes[at + 1] ?? 0
      data[out + 2] = bytes[at] ?? 0
      if (bands === 4) data[out + 3] = bytes[at + 3] ?? 0
    }
  }
  return { width, height, data: bands === 4 ? withoutFourthBand(data, width, height) : data }
}

/** The layout of a bitmap that can be read: every size checked. Throws BadScan. */
function plainLayout(bytes: Uint8Array): BmpLayout {
  const layout = readBmp(bytes)
  if (typeof layout === 'string') throw new BadScan(`The BMP file ${layout}.`)
  const { width, height, bits, compression, start, end } = layout
  checkSize(width, height)
  if (bits <= 8) throw new BadScan(`The BMP file has ${bits} bits a pixel: the network reads 24-bit pseudo-colour.`)
  if (bits !== 24 && bits !== 32) throw new BadScan(`The BMP file has ${bits} bits a pixel: only 24 and 32 can be read.`)
  if (compression !== BI_RGB && !(compression === BI_BITFIELDS && bits === 32 && usualMasks(layout)))
    throw new BadScan('The BMP file is compressed or has an unusual pixel layout: only plain 24- and 32-bit BMP can be read.')
  const headerSize = new DataView(bytes.buffer, bytes.byteOffset).getUint32(14, true)
  if (start < 14 + headerSize || end === null || end > bytes.length)
    throw new BadScan('The BMP file is cut off: pixels are missing.')
  return layout
}

/** Whether the channel masks say blue, green, red from the lowest byte up, then alpha or nothing. */
const usualMasks = ({ masks }: BmpLayout): boolean =>
  masks !== null && masks[0] === 0xff0000 && masks[1] === 0xff00 && masks[2] === 0xff && (masks[3] === 0 || masks[3] === ALPHA)
const hasAlpha = ({ compression, masks }: BmpLayout): boolean => compression === BI_BITFIELDS && masks?.[3] === ALPHA
