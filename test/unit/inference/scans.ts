// Simulated pseudo-colour scans for tests: an orange, green and blue bag on a light background, made here and nowhere stored.
import { crc32, deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'

export interface Drawing {
  width: number
  height: number
  /** RGB */
  data: Uint8Array
}
type Colour = [number, number, number]

export function blank(width: number, height: number, colour: Colour = [255, 255, 255]): Drawing {
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => colour[i % 3] ?? 0) }
}

/** Fills a rectangle; ends exclusive. */
export function fill({ width, data }: Drawing, x0: number, y0: number, x1: number, y1: number, colour: Colour): void {
  for (let y = y0; y < y1; y += 1) for (let x = x0; x < x1; x += 1) data.set(colour, 3 * (y * width + x))
}

/** A bag with a few things in it, in the middle half of the scan. */
export function bagScan(width = 400, height = 300): Drawing {
  const scan = blank(width, height, [252, 253, 255])
  const part = (f: number, side: number): number => Math.round(f * side)
  const box = (x0: number, y0: number, x1: number, y1: number, colour: Colour): void =>
    fill(scan, part(x0, width), part(y0, height), part(x1, width), part(y1, height), colour)
  box(0.25, 0.25, 0.75, 0.75, [235, 180, 110])
  box(0.3, 0.35, 0.45, 0.6, [120, 190, 110])
  box(0.55, 0.3, 0.6, 0.7, [40, 80, 190])
  box(0.5, 0.45, 0.7, 0.5, [20, 40, 120])
  return scan
}

export const raw = ({ width, height, data }: Drawing): Sharp => sharp(data, { raw: { width, height, channels: 3 } })
export const png = (drawing: Drawing): Promise<Buffer> => raw(drawing).png().toBuffer()
export const jpeg = (drawing: Drawing): Promise<Buffer> => raw(drawing).jpeg({ quality: 92 }).toBuffer()

/** A plain Windows bitmap: 24 or 32 bits, rows from the bottom up or from the top down. */
export function bmp({ width, height, data }: Drawing, bits: 24 | 32 = 24, topDown = false): Buffer {
  const stride = Math.ceil((width * bits) / 32) * 4
  const file = Buffer.alloc(54 + stride * height)
  file.write('BM')
  file.writeUInt32LE(file.length, 2)
  file.writeUInt32LE(54, 10)
  file.writeUInt32LE(40, 14)
  file.writeInt32LE(width, 18)
  file.writeInt32LE(topDown ? -height : height, 22)
  file.writeUInt16LE(1, 26)
  file.writeUInt16LE(bits, 28)
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const from = 3 * ((topDown ? y : height - 1 - y) * width + x)
      const to = 54 + y * stride + (x * bits) / 8
      file[to] = data[from + 2] ?? 0
      file[to + 1] = data[from + 1] ?? 0
      file[to + 2] = data[from] ?? 0
    }
  return file
}

/** The same picture in grey, still with three channels. */
export function withoutColour({ width, height, data }: Drawing): Drawing {
  return { width, height, data: data.map((_, i) => data[3 * Math.floor(i / 3) + 1] ?? 0) }
}

/** Uncompressed little-endian RGB TIFF of 16 bits a channel, which sharp doesn't write. */
export function tiff16({ width, height, data }: Drawing): Buffer {
  // tag, type (3 short, 4 long), count, value or offset; the bits a sample and the pixels follow the directory
  const pixels = 8 + 2 + 10 * 12 + 4 + 6
  const entries = [
    [256, 4, 1, width],
    [257, 4, 1, height],
    [258, 3, 3, pixels - 6],
    [259, 3, 1, 1],
    [262, 3, 1, 2],
    [273, 4, 1, pixels],
    [277, 3, 1, 3],
    [278, 4, 1, height],
    [279, 4, 1, data.length * 2],
    [284, 3, 1, 1],
  ] as const
  const file = Buffer.alloc(pixels + data.length * 2)
  file.set([0x49, 0x49, 42, 0, 8, 0, 0, 0, entries.length, 0])
  entries.forEach(([tag, type, count, value], index) => {
    const at = 10 + 12 * index
    file.writeUInt16LE(tag, at)
    file.writeUInt16LE(type, at + 2)
    file.writeUInt32LE(count, at + 4)
    file.writeUInt32LE(value, at + 8)
  })
  file.set([16, 0, 16, 0, 16, 0], pixels - 6)
  data.forEach((value, index) => file.writeUInt16LE(257 * value, pixels + 2 * index))
  return file
}

/** A whole, valid PNG of side × side pixels of one colour, some KB small: what must be refused before it is decoded. */
export function hugePng(side: number): Buffer {
  const chunk = (type: string, content: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type), content])
    const ends = Buffer.alloc(8)
    ends.writeUInt32BE(content.length, 0)
    ends.writeUInt32BE(crc32(body), 4)
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  // one bit a pixel, palette
  header.set([1, 3], 8)
  const rows = Buffer.alloc(side * (1 + Math.ceil(side / 8)))
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from([0x40, 0xa0, 0x60])),
    chunk('IDAT', deflateSync(rows, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}
