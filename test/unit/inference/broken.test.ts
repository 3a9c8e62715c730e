// Pictures that decode and are visibly broken: never screened. Made of a scan with noise, as real ones have it.
import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { wholeness } from '../../../src/domain/scan/whole'
import { badScan, decode } from '../../../src/main/inference/decode'
import { bagScan, bmp, raw, type Drawing } from './scans'

/** A bag with a real scan's noise. */
function noisy(): Drawing {
  const bag = bagScan(480, 360)
  let seed = 7
  const data = bag.data.map((value) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return Math.max(3, Math.min(255, value + ((seed >> 16) % 9) - 4))
  })
  return { ...bag, data }
}
const scan = noisy()
/** Fills a part of a file's bytes, given as fractions of it. */
function filled(file: Buffer, from: number, to: number, value = 0): Buffer {
  return Buffer.from(file).fill(value, Math.floor(from * file.length), Math.floor(to * file.length))
}

describe('JPEG', () => {
  let file: Buffer
  beforeAll(async () => (file = await raw(scan).jpeg({ quality: 90, optimiseCoding: false }).toBuffer()))

  test.each([40, 64, 100, 512, 4096])('a hole of %d zeros, wherever it is in the picture', async (length) => {
    for (let i = 0; i < 8; i += 1) {
      const at = 1200 + Math.floor(((file.length - length - 1600) * i) / 8)
      await expect(decode(Buffer.from(file).fill(0, at, at + length)), `at ${at}`).rejects.toThrow(/damaged or cut off/)
    }
  })
  test.each([0x20, 0x55, 0xaa, 0xff])('a hole of bytes 0x%s', async (value) => {
    await expect(decode(filled(file, 0.5, 0.52, value))).rejects.toThrow(/damaged or cut off/)
  })
  test('an area without any change may fill bytes of one value where the tables say so', async () => {
    for (const options of [{ optimiseCoding: true }, { optimiseCoding: true, chromaSubsampling: '4:4:4' }, { mozjpeg: true }]) {
      const flat = await raw(bagScan(1000, 800)).jpeg(options).toBuffer()
      expect(wholeness(flat)).toEqual({ lacks: null, closed: true })
    }
  })
  test('a progressive file that was cut after any of its passes and closed by an end mark', async () => {
    const progressive = await raw(scan).jpeg({ progressive: true }).toBuffer()
    await expect(decode(progressive)).resolves.toMatchObject({ width: 480 })
    let passes = 0
    for (
      let at = progressive.indexOf(Buffer.of(0xff, 0xda));
      at !== -1;
      at = progressive.indexOf(Buffer.of(0xff, 0xda), at + 1)
    ) {
      passes += 1
      await expect(decode(Buffer.concat([progressive.subarray(0, at), Buffer.of(0xff, 0xd9)]))).rejects.toThrow(
        /damaged or cut off/,
      )
    }
    expect(passes).toBeGreaterThan(5)
  })
  test('a height that the data do not fill', async () => {
    const taller = Buffer.from(file)
    const frame = taller.indexOf(Buffer.of(0xff, 0xc0))
    taller.writeUInt16BE(scan.height + 160, frame + 5)
    await expect(decode(taller)).rejects.toThrow(/damaged or cut off/)
  })
})

describe('PNG', () => {
  test.each([200, -200])('a height changed by %d', async (by) => {
    const file = await raw(scan).png().toBuffer()
    file.writeUInt32BE(scan.height + by, 20)
    file.writeUInt32BE(crc32(file.subarray(12, 29)), 29)
    await expect(decode(file)).rejects.toThrow(/damaged or cut off/)
  })
})

const plain = {
  TIFF: () => raw(scan).tiff({ compression: 'none' }).toBuffer(),
  BMP: () => bmp(scan),
  'BMP, 32 bits': () => bmp(scan, 32),
}
describe.each(Object.entries(plain))('%s', (_, make) => {
  test.each([
    ['a tail of zeros', 0.6, 1],
    ['a short tail of zeros', 0.93, 1],
    ['a hole of zeros', 0.4, 0.45],
  ])('%s', async (_what, from, to) => {
    await expect(decode(filled(await make(), from, to))).rejects.toThrow(/hole|cut off|missing/)
  })
  test('a hole of another dark value', async () => {
    await expect(decode(filled(await make(), 0.4, 0.48, 0x55))).rejects.toThrow(/part of the picture is missing/)
  })
})
describe('coded TIFF and WebP', () => {
  test.each(['lzw', 'deflate', 'packbits', 'jpeg'] as const)('TIFF, %s: a tail or a hole of zeros', async (compression) => {
    const file = await raw(scan).tiff({ compression, quality: 90 }).toBuffer()
    await expect(decode(file)).resolves.toMatchObject({ height: 360 })
    await expect(decode(filled(file, 0.6, 0.97))).rejects.toThrow(/damaged or cut off/)
    await expect(decode(filled(file, 0.4, 0.45))).rejects.toThrow(/damaged or cut off/)
  })
  test('TIFF: a height that the strips do not fill', async () => {
    const file = await raw(scan).tiff({ compression: 'none' }).toBuffer()
    const directory = file.readUInt32LE(4)
    for (let i = 0; i < file.readUInt16LE(directory); i += 1) {
      const entry = directory + 2 + 12 * i
      if (file.readUInt16LE(entry) === 257) file.writeUInt16LE(scan.height + 100, entry + 8)
    }
    await expect(decode(file)).rejects.toThrow(/damaged or cut off/)
  })
  test.each([{ quality: 98 }, { lossless: true }])('WebP %j: a tail or a hole of zeros', async (options) => {
    const file = await raw(scan).webp(options).toBuffer()
    await expect(decode(file)).resolves.toMatchObject({ height: 360 })
    expect(file.length).toBeGreaterThan(2000)
    await expect(decode(filled(file, 0.6, 1))).rejects.toThrow(/damaged or cut off/)
    await expect(decode(filled(file, 0.4, 0.5))).rejects.toThrow(/damaged or cut off/)
  })
})

test.each([
  ['tiff', new Error('vips_tracked: out of memory --- size == 20MB')],
  ['jpeg', Object.assign(new Error('open'), { code: 'ENOMEM' })],
  ['png', new RangeError('Array buffer allocation failed')],
] as const)('running out of memory on a %s is said as such, not as a damaged file', (format, error) => {
  expect(badScan(format, error).message).toMatch(/out of memory.*Nothing is known to be wrong with the file/)
})

test('a TIFF with private tags, as scanners write them, is screened', async () => {
  const file = await raw(scan)
    .tiff({ compression: 'none' })
    .withExif({ IFD0: { Software: 'Scanner 3' } })
    .toBuffer()
  await expect(decode(file)).resolves.toMatchObject({ width: 480 })
  await expect(sharp(file).metadata()).resolves.toMatchObject({ format: 'tiff' })
})
