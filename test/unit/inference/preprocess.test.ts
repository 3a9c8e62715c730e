// Preprocessing by itself: ground, bags, looks, resize and padding on drawings whose answer is known.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { locate, type PixelBox } from '../../../src/main/inference/locate'
import { looksAt } from '../../../src/main/inference/looks'
import { normalise, prepare } from '../../../src/main/inference/preprocess'
import { bagScan, blank, fill, type Drawing } from './scans'

/** A bag of two colours at (x0, y0)–(x1, y1). */
function bagAt(width: number, height: number, x0: number, y0: number, x1: number, y1: number): Drawing {
  const scan = blank(width, height, [250, 251, 252])
  fill(scan, x0, y0, x1, y1, [220, 150, 60])
  fill(scan, x0, y0, Math.ceil((x0 + x1) / 2), y1, [40, 80, 200])
  return scan
}

const BAG_2 = { size: 320, preprocessing: 'bag-2' } as const
/** The only bag's box. */
function onlyBag(scan: Drawing): PixelBox {
  const { bags } = locate(scan)
  expect(bags).toHaveLength(1)
  return bags[0] ?? { x0: 0, y0: 0, x1: 0, y1: 0 }
}

test('the box holds the bag, with at most two cells to spare on each side', () => {
  const side = fc.integer({ min: 100, max: 900 })
  const cut = fc.double({ min: 0, max: 0.4, noNaN: true })
  fc.assert(
    fc.property(side, side, fc.double({ min: 0.15, max: 0.4, noNaN: true }), cut, cut, cut, (width, height, l, t, r, b) => {
      const [x0, y0, x1, y1] = [
        Math.floor(l * width),
        Math.floor(t * height),
        Math.ceil((1 - r) * width),
        Math.ceil((1 - b) * height),
      ]
      const k = Math.ceil(Math.max(width, height) / 256)
      const scan = bagAt(width, height, x0, y0, x1, y1)
      const box = onlyBag(scan)
      expect(box.x0).toBeLessThanOrEqual(x0)
      expect(box.y0).toBeLessThanOrEqual(y0)
      expect(box.x1).toBeGreaterThanOrEqual(x1)
      expect(box.y1).toBeGreaterThanOrEqual(y1)
      expect(x0 - box.x0).toBeLessThanOrEqual(2 * k)
      // the rest that the grid leaves out comes on top at the right and bottom
      expect(box.x1 - x1).toBeLessThanOrEqual(3 * k)
      expect(box.y1 - y1).toBeLessThanOrEqual(3 * k)
      expect(locate(scan).background).toEqual([250, 251, 252])
    }),
    { numRuns: 40 },
  )
})

test.each([
  ['white', [255, 255, 255]],
  ['light grey', [236, 237, 239]],
  ['a grey belt', [195, 197, 194]],
  ['a dark grey belt', [140, 139, 141]],
  ['tinted', [214, 226, 240]],
] as const)('the ground is found: %s', (_, ground) => {
  const scan = blank(512, 400, [...ground])
  fill(scan, 120, 100, 300, 300, [110, 90, 40])
  fill(scan, 150, 140, 220, 220, [40, 60, 110])
  expect(locate(scan).background).toEqual(ground)
  const box = onlyBag(scan)
  expect([box.x0 >= 114, box.x1 <= 306, box.y0 >= 94, box.y1 <= 306]).toEqual([true, true, true, true])
  // the ground has become white in the network's square
  const look = prepare(scan, BAG_2).looks[0]
  expect([...(look?.pixels.subarray(0, 3) ?? [])]).toEqual([255, 255, 255])
})

test('where no ground can be told the scan is refused, not guessed', () => {
  const colours = blank(400, 300, [200, 40, 40])
  fill(colours, 100, 100, 300, 200, [40, 200, 40])
  expect(() => locate(colours)).toThrow(/No ground can be told/)
  const dark = blank(400, 300, [90, 92, 90])
  fill(dark, 100, 100, 300, 200, [60, 30, 20])
  expect(() => locate(dark)).toThrow(/No ground can be told/)
  expect(() => locate(blank(400, 300, [250, 250, 250]))).toThrow(/no bag to see/)
})

test('a dark frame that a scanner draws is no bag', () => {
  const scan = bagAt(600, 400, 200, 100, 400, 300)
  fill(scan, 0, 0, 600, 6, [8, 8, 8])
  fill(scan, 0, 396, 600, 400, [20, 10, 10])
  fill(scan, 0, 0, 10, 400, [0, 0, 0])
  const box = onlyBag(scan)
  expect(box.x0).toBeGreaterThan(180)
  expect(box.y1).toBeLessThan(320)
  // a dark bag at the edge is none of it: it does not run along four fifths of a side
  const cutBag = blank(600, 400, [250, 250, 250])
  fill(cutBag, 0, 100, 200, 300, [40, 50, 20])
  fill(cutBag, 60, 140, 150, 240, [30, 60, 150])
  expect(onlyBag(cutBag).x0).toBe(0)
})

test('bags that lie apart are bags of their own, from left to right; a small thing near one belongs to it; specks are nothing', () => {
  const scan = bagAt(900, 400, 500, 60, 800, 340)
  fill(scan, 60, 100, 300, 300, [150, 60, 50])
  fill(scan, 320, 180, 340, 200, [20, 20, 120])
  fill(scan, 420, 20, 424, 24, [0, 0, 0])
  const { bags } = locate(scan)
  expect(bags).toHaveLength(2)
  expect(bags[0]?.x1).toBeGreaterThanOrEqual(340)
  expect(bags[0]?.x1).toBeLessThan(420)
  expect(bags[1]?.x0).toBeGreaterThan(480)
})

test('no more than eight bags, and nothing is left out for it', () => {
  const scan = blank(1200, 400, [250, 250, 250])
  for (let i = 0; i < 12; i += 1) fill(scan, 20 + 98 * i, 100, 80 + 98 * i, 300, [200 - 10 * i, 80, 40 + 10 * i])
  const { bags } = locate(scan)
  expect(bags).toHaveLength(8)
  for (let i = 0; i < 12; i += 1) expect(bags.some(({ x0, x1 }) => x0 <= 20 + 98 * i && x1 >= 80 + 98 * i)).toBe(true)
})

test('a long bag is looked at whole and in parts that overlap by a quarter or more and leave nothing out', () => {
  fc.assert(
    fc.property(fc.integer({ min: 40, max: 400 }), fc.integer({ min: 40, max: 3000 }), fc.boolean(), (broad, long, upright) => {
      const bag = { x0: 30, y0: 20, x1: 30 + (upright ? broad : long), y1: 20 + (upright ? long : broad) }
      const [whole, ...parts] = looksAt([bag], { width: bag.x1 + 10, height: bag.y1 + 10 }).map(({ box }) => box)
      expect(whole).toEqual(bag)
      const [longer, shorter] = [Math.max(long, broad), Math.min(long, broad)]
      if (4 * longer <= 7 * shorter) expect(parts).toEqual([])
      const along = parts.map((p) =>
        bag.x1 - bag.x0 >= bag.y1 - bag.y0 ? [p.x0 - bag.x0, p.x1 - bag.x0] : [p.y0 - bag.y0, p.y1 - bag.y0],
      )
      if (parts.length === 0) return
      expect(parts.length).toBeLessThanOrEqual(5)
      expect([along[0]?.[0], along.at(-1)?.[1]]).toEqual([0, longer])
      for (const [i, [from = 0, to = 0]] of along.entries()) {
        const next = along[i + 1]?.[0] ?? to
        expect(to - from).toBeGreaterThanOrEqual(shorter)
        // starts are cut to whole pixels
        if (i + 1 < along.length) expect(to - next).toBeGreaterThanOrEqual((to - from) / 4 - 1)
      }
    }),
  )
})

test('a sliver at the rim of a frame is looked at whole only', () => {
  expect(looksAt([{ x0: 0, y0: 0, x1: 30, y1: 300 }], { width: 1400, height: 600 })).toHaveLength(1)
})

test('the square keeps the aspect ratio, pads with white and flattens the background', () => {
  const look = prepare(bagScan(800, 300), { size: 320, preprocessing: 'bag-1' }).looks[0]
  if (look === undefined) throw new Error('no look')
  const { pixels, placement } = look
  expect(placement.size.width).toBe(320)
  expect(placement.size.height / 320).toBeCloseTo(
    (placement.box.y1 - placement.box.y0) / (placement.box.x1 - placement.box.x0),
    2,
  )
  expect([...pixels.subarray(0, 3)]).toEqual([255, 255, 255])
  // inside the crop, beside the bag: the belt's (252, 253, 255) has become white
  const corner = 3 * (placement.offset.y * 320 + placement.offset.x)
  expect([...pixels.subarray(corner, corner + 3)]).toEqual([255, 255, 255])
  const middle = 3 * (160 * 320 + 20)
  expect((pixels[middle] ?? 0) - (pixels[middle + 2] ?? 0)).toBeGreaterThan(100)
})

test('a column-thin bag is refused, not scored from two rows of pixels', () => {
  expect(() => prepare(bagAt(2000, 64, 10, 5, 1990, 60), { size: 64, preprocessing: 'bag-1' })).toThrow(/31 times as long/)
})

test('normalisation is by channel, channels first', () => {
  const pixels = new Uint8Array(4 * 4 * 3).fill(255)
  pixels.set([0, 51, 102], 3)
  const tensor = normalise(pixels, { mean: [0.5, 0, 0.4], std: [0.5, 1, 0.2] })
  expect(tensor[0]).toBeCloseTo(1)
  expect(tensor[1]).toBeCloseTo(-1)
  expect(tensor[16 + 1]).toBeCloseTo(0.2)
  expect(tensor[32 + 1]).toBeCloseTo(0)
  expect(tensor[32]).toBeCloseTo(3)
})
