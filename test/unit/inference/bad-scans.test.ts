// What can't be screened: each kind gives its own plain reason, never a score. All files are made here.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ModelManifest } from '../../../src/shared/manifest'
import { screen } from '../../../src/main/inference/screen'
import { openNetwork, type Network } from '../../../src/main/inference/session'
import { bagScan, blank, bmp, fill, hugePng, jpeg, png, raw, tiff16, withoutColour, type Drawing } from './scans'
import { writeTinyModel } from './tiny-model'

const folder = mkdtempSync(join(tmpdir(), 'lanescope-bad-'))
let network: Network
let manifest: ModelManifest
beforeAll(async () => {
  const model = writeTinyModel(folder)
  manifest = model.manifest
  network = await openNetwork(manifest, model.modelPath)
})
afterAll(() => rmSync(folder, { recursive: true }))
const screened = (bytes: Uint8Array) => screen(bytes, network, manifest)

/** Overwrites bytes of a copy. */
function patched(bytes: Buffer, at: number, values: number[]): Buffer {
  const copy = Buffer.from(bytes)
  copy.set(values, at)
  return copy
}
const bag = bagScan()
const grey = () => raw(bag).greyscale()
const word = (value: number): number[] => [...Buffer.from(Uint32Array.of(value).buffer)]

/** Burns a small stripe a colour into the middle of a scan. */
function marked(scan: Drawing, colours: [number, number, number][], size = 1): Drawing {
  colours.forEach((colour, i) => fill(scan, 180, 140 + 3 * i, 180 + 30 * size, 140 + 3 * i + 3 * size, colour))
  return scan
}
/** A monochrome scan between white and one dark blue. */
function toned(scan: Drawing): Drawing {
  const data = withoutColour(scan).data.map((value, i) => Math.round(value + ((255 - value) * ([0, 40, 140][i % 3] ?? 0)) / 255))
  return { ...scan, data }
}

const BAD: [string, RegExp, () => Buffer | Promise<Buffer>][] = [
  ['zero bytes', /empty/, () => Buffer.alloc(0)],
  ['text named .jpg', /no image of a kind/, () => Buffer.from('Bag 17, lane 3: see attached.\n')],
  ['a lone JPEG signature', /damaged or cut off/, () => Buffer.from([0xff, 0xd8, 0xff, 0xe0])],
  ['half a JPEG', /JPEG file is damaged or cut off/, async () => (await jpeg(bag)).subarray(0, 3000)],
  ['a JPEG without its last bytes', /JPEG file is damaged or cut off/, async () => (await jpeg(bag)).subarray(0, -2)],
  [
    'a JPEG that lost a part in the middle',
    /JPEG file is damaged or cut off/,
    async () => {
      const all = await jpeg(bag)
      return Buffer.concat([all.subarray(0, all.length / 2), all.subarray(all.length / 2 + 500)])
    },
  ],
  [
    'half a PNG',
    /PNG file is damaged or cut off/,
    async () => {
      const all = await png(bag)
      return all.subarray(0, all.length / 2)
    },
  ],
  [
    'half a TIFF',
    /TIFF file is damaged or cut off/,
    async () => {
      const all = await raw(bag).tiff().toBuffer()
      return all.subarray(0, all.length / 2)
    },
  ],
  [
    'half a WebP',
    /WebP file is damaged or cut off/,
    async () => {
      const all = await raw(bag).webp().toBuffer()
      return all.subarray(0, all.length / 2)
    },
  ],
  ['a GIF', /no image of a kind/, () => raw(bag).gif().toBuffer()],
  ['an SVG', /no image of a kind/, () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="500" height="500"/>')],
  ['a 30,000 × 30,000 PNG of one colour', /too large: 30,000 × 30,000/, () => hugePng(30_000)],
  [
    'just over 50 megapixels',
    /too large/,
    () =>
      sharp({ create: { width: 10_001, height: 5_000, channels: 3, background: 'red' } })
        .png()
        .toBuffer(),
  ],
  ['8 × 8', /too small: 8 × 8/, () => png(bagScan(8, 8))],
  ['63 pixels high', /too small/, () => png(bagScan(300, 63))],
  ['CMYK', /CMYK/, () => raw(bag).toColourspace('cmyk').jpeg().toBuffer()],
  ['CMYK in TIFF', /CMYK/, () => raw(bag).toColourspace('cmyk').tiff().toBuffer()],
  ['16 bits a channel', /16 bits/, () => raw(bag).toColourspace('rgb16').png().toBuffer()],
  ['16-bit grayscale', /16 bits/, () => grey().toColourspace('grey16').png().toBuffer()],
  ['16 bits in TIFF', /16 bits/, () => tiff16(bag)],
  ['a grayscale JPEG', /grayscale/, () => grey().jpeg().toBuffer()],
  ['a grayscale PNG', /grayscale/, () => grey().toColourspace('b-w').png().toBuffer()],
  ['grayscale with alpha', /grayscale/, () => grey().ensureAlpha(0.9).toColourspace('b-w').png().toBuffer()],
  ['grayscale saved as RGB', /no colour/, () => png(withoutColour(bag))],
  ['a monochrome scan with a coloured mark', /one tint/, () => png(marked(withoutColour(bag), [[250, 20, 20]], 6))],
  [
    'a monochrome scan with a small mark of many colours',
    /hardly any colour/,
    () =>
      png(
        marked(withoutColour(bag), [
          [250, 20, 20],
          [20, 200, 30],
          [30, 40, 240],
        ]),
      ),
  ],
  ['a monochrome scan of one tint', /one tint/, () => png(toned(bag))],
  ['a JPEG of one tint', /one tint/, () => jpeg(toned(bag))],
  ['a bag of extreme shape', /times as long as it is wide/, () => png(bagScan(4000, 300))],
  ['a bag of extreme height', /times as long as it is wide/, () => png(bagScan(200, 2600))],
  [
    'a DICOM file',
    /no image of a kind.*DICOM/,
    () => Buffer.concat([Buffer.alloc(128, 1), Buffer.from('DICM'), Buffer.alloc(100)]),
  ],
  [
    'two pages',
    /2 pages/,
    async () =>
      sharp([await png(bag), await png(bag)], { join: { animated: true } })
        .tiff()
        .toBuffer(),
  ],
  [
    'an animation',
    /2 pages or frames/,
    async () =>
      sharp([await png(bag), await png(blank(400, 300, [9, 90, 200]))], { join: { animated: true } })
        .webp({ lossless: true, delay: [100, 100] })
        .toBuffer(),
  ],
  ['nothing on the background', /no bag to see/, () => png(blank(400, 300, [250, 250, 252]))],
  [
    'a speck on the background',
    /nothing stands out/,
    () => {
      const scan = blank(400, 300)
      fill(scan, 10, 10, 14, 14, [20, 40, 120])
      return png(scan)
    },
  ],
  ['one dark colour', /No ground can be told/, () => png(blank(400, 300, [90, 20, 30]))],
  ['black', /No ground can be told/, () => jpeg(blank(400, 300, [0, 0, 0]))],
  ['a strip that is narrower than a cell', /too small|narrower/, () => png(bagScan(16_000, 60))],
  ['a BMP that is cut off', /BMP file is cut off/, () => bmp(bag).subarray(0, -100)],
  ['a BMP header alone', /BMP file is cut off/, () => bmp(bag).subarray(0, 54)],
  ['half a BMP header', /BMP file is cut off/, () => bmp(bag).subarray(0, 30)],
  ['a BMP that claims a huge size', /too large/, () => patched(bmp(bag), 18, word(2_000_000))],
  ['a BMP of the largest negative height', /too large/, () => patched(bmp(bag), 22, word(0x80000000))],
  ['a BMP of negative width', /no sense/, () => patched(bmp(bag), 18, word(-400))],
  ['a BMP of 50 megapixels without them', /cut off/, () => patched(bmp(bag), 18, [...word(7000), ...word(7000)])],
  ['a BMP whose pixels start in its header', /cut off/, () => patched(bmp(bag), 10, word(20))],
  ['a compressed BMP', /compressed/, () => patched(bmp(bag), 30, word(1))],
  ['an 8-bit BMP', /8 bits a pixel/, () => patched(bmp(bag), 28, [8, 0])],
  ['a 16-bit BMP', /16 bits a pixel/, () => patched(bmp(bag), 28, [16, 0])],
  ['text that begins with BM', /BMP file/, () => Buffer.from(`BM${' bag manifest'.repeat(20)}`)],
]
test.each(BAD)('%s', async (_what, why, make) => {
  await expect(screened(await make())).rejects.toThrow(why)
})

const GOOD: [string, () => Buffer | Promise<Buffer>][] = [
  ['PNG', () => png(bag)],
  ['JPEG', () => jpeg(bag)],
  ['progressive JPEG', () => raw(bag).jpeg({ progressive: true }).toBuffer()],
  ['WebP', () => raw(bag).webp({ lossless: true }).toBuffer()],
  ['TIFF', () => raw(bag).tiff({ compression: 'lzw' }).toBuffer()],
  ['tiled, pyramidless TIFF', () => raw(bag).tiff({ tile: true, compression: 'deflate' }).toBuffer()],
  ['palette PNG', () => raw(bag).png({ palette: true }).toBuffer()],
  ['24-bit BMP', () => bmp(bag)],
  ['32-bit BMP', () => bmp(bag, 32)],
  ['top-down BMP', () => bmp(bag, 24, true)],
  ['BMP of odd width', () => bmp(bagScan(401, 299))],
]
test.each(GOOD)('a whole %s is screened, and the bag is found where it is', async (_what, make) => {
  const { classes, statistics } = await screened(await make())
  expect(statistics.bagShare).toBeCloseTo(0.25, 1)
  // "gun" of the tiny model is where red is missing: the blue bar.
  expect(classes.gun.peak.x).toBeGreaterThan(0.45)
  expect(classes.gun.peak.x).toBeLessThan(0.75)
  expect(classes.gun.peak.y).toBeGreaterThan(0.25)
  expect(classes.gun.peak.y).toBeLessThan(0.75)
})

test('a scan with EXIF orientation is turned before anything else', async () => {
  const turned = await raw(bagScan(400, 300)).rotate(90).withMetadata({ orientation: 8 }).jpeg({ quality: 95 }).toBuffer()
  const upright = await screened(await jpeg(bagScan(400, 300)))
  const output = await screened(turned)
  expect([output.width, output.height]).toEqual([400, 300])
  expect(output.classes.gun.fused).toBeCloseTo(upright.classes.gun.fused, 1)
  expect(output.classes.gun.peak.x).toBeCloseTo(upright.classes.gun.peak.x, 1)
})

test('transparent parts are white, as on the belt', async () => {
  const { width, height, data } = bagScan()
  const rgba = new Uint8Array(width * height * 4)
  for (let i = 0; i < width * height; i += 1) {
    const [r = 0, g = 0, b = 0] = data.subarray(3 * i, 3 * i + 3)
    rgba.set(r > 250 ? [0, 0, 0, 0] : [r, g, b, 255], 4 * i)
  }
  const output = await screened(
    await sharp(rgba, { raw: { width, height, channels: 4 } })
      .png()
      .toBuffer(),
  )
  expect(output.statistics.background).toBe(255)
  expect(output.statistics.bagShare).toBeCloseTo(0.25, 1)
})
