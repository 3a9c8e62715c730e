// The one rule for a fourth band: it may never hide anything. The same cases as training/tests/test_preprocess.py.
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { decode } from '../../../src/main/inference/decode'
import { bagScan, bmp } from './scans'

const { width, height, data } = bagScan(100, 80)
const pixels = width * height

/** RGBA of the bag, its fourth band by place. */
function banded(band: (x: number, y: number) => number, flat?: number): Uint8Array {
  const all = new Uint8Array(4 * pixels)
  for (let i = 0; i < pixels; i += 1) {
    const value = band(i % width, Math.floor(i / width))
    all.set(data.subarray(3 * i, 3 * i + 3), 4 * i)
    if (value === 0 && flat !== undefined) all.fill(flat, 4 * i, 4 * i + 3)
    all[4 * i + 3] = value
  }
  return all
}
const four = (band: Uint8Array) => sharp(band, { raw: { width, height, channels: 4 } })
const FORMATS: [string, (band: Uint8Array) => Promise<Buffer>][] = [
  ['PNG', (band) => four(band).png().toBuffer()],
  ['lossless WebP', (band) => four(band).webp({ lossless: true, exact: true }).toBuffer()],
  ['TIFF', (band) => four(band).tiff({ compression: 'lzw' }).toBuffer()],
  ['TIFF with a band of no stated kind', async (band) => unspecified(await four(band).tiff({ compression: 'none' }).toBuffer())],
]
/** ExtraSamples (tag 338) 0: of no stated kind. */
function unspecified(tiff: Buffer): Buffer {
  const directory = tiff.readUInt32LE(4)
  for (let i = 0; i < tiff.readUInt16LE(directory); i += 1) {
    const entry = directory + 2 + 12 * i
    if (tiff.readUInt16LE(entry) === 338) tiff.writeUInt32LE(0, entry + 8)
  }
  return tiff
}

for (const [format, encode] of FORMATS) {
  test.each([255, 0, 40])(`${format}: a band of %d throughout is left out`, async (value) => {
    const decoded = await decode(await encode(banded(() => value)))
    expect(Buffer.from(decoded.data).equals(Buffer.from(data))).toBe(true)
  })

  test(`${format}: an outline cut out at the edge is white`, async () => {
    const decoded = await decode(await encode(banded((_, y) => (y < 10 ? 0 : 255), 9)))
    expect(decoded.data.subarray(0, 3 * 10 * width).every((value) => value === 255)).toBe(true)
    expect(Buffer.from(decoded.data.subarray(3 * 10 * width)).equals(Buffer.from(data.subarray(3 * 10 * width)))).toBe(true)
  })

  test.each<[string, (x: number, y: number) => number, number?]>([
    ['fades a part', (x) => (x > 50 ? 80 : 255)],
    ['hides a part of many colours', (x) => (x > 50 ? 0 : 255)],
    ['cuts a hole into the middle', (x, y) => (Math.abs(x - 50) < 8 && Math.abs(y - 40) < 8 ? 0 : 255), 9],
    ['holds something of its own', (x, y) => (x * 7 + y * 3) % 256],
  ])(`${format}: a band that %s makes the scan unscreenable`, async (_, band, flat) => {
    await expect(decode(await encode(banded(band, flat)))).rejects.toThrow(/fourth band/)
  })
}

/** A 32-bit bitmap with a mask that calls its fourth byte alpha. */
function withAlphaMask(band: (i: number) => number): Buffer {
  const plain = bmp({ width, height, data }, 32)
  const header = Buffer.alloc(56 - 40)
  header.writeUInt32LE(0xff0000, 0)
  header.writeUInt32LE(0xff00, 4)
  header.writeUInt32LE(0xff, 8)
  header.writeUInt32LE(0xff000000, 12)
  const file = Buffer.concat([plain.subarray(0, 54), header, plain.subarray(54)])
  file.writeUInt32LE(file.length, 2)
  file.writeUInt32LE(70, 10)
  file.writeUInt32LE(56, 14)
  file.writeUInt32LE(3, 30)
  for (let i = 0; i < pixels; i += 1) file[70 + 4 * i + 3] = band(i)
  return file
}
test('BMP: an alpha mask over zeros, or over one value, is left out; one that changes makes the scan unscreenable', async () => {
  for (const value of [0, 255])
    expect(Buffer.from((await decode(withAlphaMask(() => value))).data).equals(Buffer.from(data))).toBe(true)
  await expect(decode(withAlphaMask((i) => i % 256))).rejects.toThrow(/fourth band/)
})
