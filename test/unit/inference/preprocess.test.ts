// bag-1 by itself: box, background, resize and padding on drawings whose answer is known.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { locate } from '../../../src/main/inference/locate'
import { normalise, prepare } from '../../../src/main/inference/preprocess'
import { bagScan, blank, fill, type Drawing } from './scans'

/** A bag of two colours at (x0, y0)–(x1, y1). */
function bagAt(width: number, height: number, x0: number, y0: number, x1: number, y1: number): Drawing {
  const scan = blank(width, height, [250, 251, 252])
  fill(scan, x0, y0, x1, y1, [220, 150, 60])
  fill(scan, x0, y0, Math.ceil((x0 + x1) / 2), y1, [40, 80, 200])
  return scan
}

test('the box holds the bag, with at most two cells to spare on each side', () => {
  const side = fc.integer({ min: 100, max: 900 })
  const cut = fc.double({ min: 0, max: 0.4, noNaN: true })
  fc.assert(
    fc.property(side, side, cut, cut, cut, cut, (width, height, l, t, r, b) => {
      const [x0, y0, x1, y1] = [
        Math.floor(l * width),
        Math.floor(t * height),
        Math.ceil((1 - r) * width),
        Math.ceil((1 - b) * height),
      ]
      const k = Math.ceil(Math.max(width, height) / 256)
      const { box, background } = locate(bagAt(width, height, x0, y0, x1, y1))
      expect(box.x0).toBeLessThanOrEqual(x0)
      expect(box.y0).toBeLessThanOrEqual(y0)
      expect(box.x1).toBeGreaterThanOrEqual(x1)
      expect(box.y1).toBeGreaterThanOrEqual(y1)
      expect(x0 - box.x0).toBeLessThanOrEqual(2 * k)
      // the rest that the grid leaves out comes on top at the right and bottom
      expect(box.x1 - x1).toBeLessThanOrEqual(3 * k)
      expect(box.y1 - y1).toBeLessThanOrEqual(3 * k)
      expect([...background]).toEqual(l + r + t + b > 0.2 ? [250, 251, 252] : expect.anything())
    }),
    { numRuns: 40 },
  )
})

test('a label beside the bag is left out, a second bag is not', () => {
  const scan = bagAt(512, 512, 100, 100, 300, 300)
  fill(scan, 480, 480, 500, 500, [20, 20, 120])
  expect(locate(scan).box.x1).toBeLessThan(320)
  fill(scan, 400, 100, 480, 300, [20, 120, 20])
  expect(locate(scan).box.x1).toBeGreaterThanOrEqual(480)
})

test('components touch at corners too', () => {
  const scan = bagAt(256, 256, 50, 50, 150, 150)
  // 5 × 5 = 25 cells, under 6 % of the bag's 10,000: kept only because its corner touches
  fill(scan, 150, 150, 155, 155, [20, 20, 120])
  expect(locate(scan).box.x1).toBe(156)
})

test('the square keeps the aspect ratio, pads with white and flattens the background', () => {
  const { pixels, placement } = prepare(bagScan(800, 300), 320)
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

test('a column-thin bag keeps at least one pixel', () => {
  const { placement } = prepare(bagAt(2000, 64, 10, 5, 1990, 60), 64)
  expect(placement.size).toEqual({ width: 64, height: 2 })
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
