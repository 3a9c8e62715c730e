// CAM geometry: fused maps against PyTorch's bilinear rule, and the peak's way to the original and back.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type ActivationMap,
  fromOriginal,
  fuse,
  fuseMaps,
  heatmapTile,
  peakOf,
  type Placement,
  sample,
  tileSize,
  toOriginal,
  type View,
} from '../../../src/domain/cam'

const map = (width: number, height: number, values: number[]): ActivationMap => ({
  width,
  height,
  values: Float32Array.from(values),
})

/** A placement as bag-1 makes it: a crop of a scan, resized to the square's side, centred. */
const placement = fc
  .record({
    width: fc.integer({ min: 64, max: 3000 }),
    height: fc.integer({ min: 64, max: 3000 }),
    side: fc.constantFrom(224, 320, 384),
    cut: fc.tuple(...Array.from({ length: 4 }, () => fc.double({ min: 0, max: 0.4, noNaN: true }))),
  })
  .map(({ width, height, side, cut }): Placement => {
    const [l = 0, t = 0, r = 0, b = 0] = cut
    const box = {
      x0: Math.floor(l * width),
      y0: Math.floor(t * height),
      x1: Math.ceil((1 - r) * width),
      y1: Math.ceil((1 - b) * height),
    }
    const longest = Math.max(box.x1 - box.x0, box.y1 - box.y0)
    const resized = (n: number): number => Math.max(1, Math.floor((n * side) / longest + 0.5))
    const size = { width: resized(box.x1 - box.x0), height: resized(box.y1 - box.y0) }
    return {
      original: { width, height },
      box,
      side,
      size,
      offset: { x: Math.floor((side - size.width) / 2), y: Math.floor((side - size.height) / 2) },
    }
  })
const fraction = fc.double({ min: 0, max: 1, noNaN: true })

test('a point inside the crop comes back from the square to where it was', () => {
  fc.assert(
    fc.property(placement, fraction, fraction, (p, u, v) => {
      const point = {
        x: (p.box.x0 + u * (p.box.x1 - p.box.x0)) / p.original.width,
        y: (p.box.y0 + v * (p.box.y1 - p.box.y0)) / p.original.height,
      }
      const inSquare = fromOriginal(point, p)
      expect(inSquare.x * p.side).toBeGreaterThanOrEqual(p.offset.x - 1e-6)
      expect(inSquare.x * p.side).toBeLessThanOrEqual(p.offset.x + p.size.width + 1e-6)
      const back = toOriginal(inSquare, p)
      expect(back.x).toBeCloseTo(point.x, 9)
      expect(back.y).toBeCloseTo(point.y, 9)
    }),
  )
})

test('a peak planted at a point of the scan is found within half a cell of it, whatever the crop', () => {
  fc.assert(
    fc.property(placement, fraction, fraction, fc.integer({ min: 7, max: 40 }), (p, u, v, cells) => {
      const point = {
        x: (p.box.x0 + u * (p.box.x1 - p.box.x0)) / p.original.width,
        y: (p.box.y0 + v * (p.box.y1 - p.box.y0)) / p.original.height,
      }
      const { x, y } = fromOriginal(point, p)
      const at = (f: number): number => Math.min(cells - 1, Math.max(0, Math.floor(f * cells)))
      const planted = map(cells, cells, Array<number>(cells * cells).fill(-3))
      planted.values[at(y) * cells + at(x)] = 2
      const peak = toOriginal(peakOf(planted), p)
      const half = ((p.side / cells / 2) * (p.box.x1 - p.box.x0)) / p.size.width
      const halfY = ((p.side / cells / 2) * (p.box.y1 - p.box.y0)) / p.size.height
      expect(Math.abs(peak.x - point.x) * p.original.width).toBeLessThanOrEqual(half + 1e-6)
      expect(Math.abs(peak.y - point.y) * p.original.height).toBeLessThanOrEqual(halfY + 1e-6)
    }),
  )
})

test('every point of the square lands on the scan', () => {
  fc.assert(
    fc.property(placement, fraction, fraction, (p, x, y) => {
      const point = toOriginal({ x, y }, p)
      for (const f of [point.x, point.y]) expect(f >= 0 && f <= 1).toBe(true)
    }),
  )
})

test("levels are resized by half-pixel centres: PyTorch's interpolate([[0, 4], [8, 12]], size=4, align_corners=False)", () => {
  const zero = map(4, 4, Array<number>(16).fill(0))
  const fused = fuseMaps([zero, map(2, 2, [0, 4, 8, 12])])
  expect([...fused.values].map((v) => 2 * v)).toEqual([0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12])
})

test('the fused map of equal levels is that level, and its mean lies between the levels', () => {
  const values = fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 16, maxLength: 16 })
  fc.assert(
    fc.property(values, values, (a, b) => {
      const [first, second] = [map(4, 4, a), map(4, 4, b)]
      fuseMaps([first, first, first]).values.forEach((v, i) => expect(v).toBeCloseTo(first.values[i] ?? 0, 5))
      fuseMaps([first, second]).values.forEach((v, i) =>
        expect(v).toBeCloseTo(((first.values[i] ?? 0) + (second.values[i] ?? 0)) / 2, 4),
      )
    }),
  )
})

test('a sample between cells lies between their values; outside, the edge holds', () => {
  const ramp = map(3, 1, [1, 2, 4])
  expect(sample(ramp, 0.5, 0.5)).toBe(2)
  expect(sample(ramp, 1 / 3, 0.5)).toBeCloseTo(1.5)
  expect(sample(ramp, -2, 7)).toBe(1)
  expect(sample(ramp, 5, 0.5)).toBe(4)
})

test('a map with a value that is no number has no peak', () => {
  expect(() => peakOf(map(2, 1, [1, Number.NaN]))).toThrow(RangeError)
  expect(() => fuseMaps([])).toThrow(RangeError)
})

test('of equal cells the first is the peak', () => {
  expect(peakOf(map(2, 2, [0, 5, 5, 5]))).toEqual({ x: 0.75, y: 0.25 })
})

test('a tile covers the whole scan: 0 outside the crop, 255 · sigmoid inside, brightest at the peak', () => {
  const p: Placement = {
    original: { width: 800, height: 400 },
    box: { x0: 400, y0: 0, x1: 800, y1: 400 },
    side: 320,
    offset: { x: 0, y: 0 },
    size: { width: 320, height: 320 },
  }
  expect(tileSize(p.original)).toEqual({ width: 256, height: 128 })
  const fused = map(
    4,
    4,
    Array.from({ length: 16 }, (_, i) => (i === 6 ? 3 : -3)),
  )
  const tile = heatmapTile([{ fused, placement: p }])
  const at = (x: number, y: number): number => tile[y * 256 + x] ?? -1
  expect(at(10, 10)).toBe(0)
  expect(at(127, 64)).toBe(0)
  expect(at(130, 120)).toBe(Math.round(255 / (1 + Math.exp(3))))
  const brightest = tile.indexOf(Math.max(...tile))
  const peak = toOriginal(peakOf(fused), p)
  expect(Math.abs((brightest % 256) / 256 - peak.x)).toBeLessThan(0.02)
  expect(Math.abs(Math.floor(brightest / 256) / 128 - peak.y)).toBeLessThan(0.02)
})

test('a small scan is not blown up', () => {
  expect(tileSize({ width: 100, height: 70 })).toEqual({ width: 100, height: 70 })
  expect(tileSize({ width: 5000, height: 64 })).toEqual({ width: 256, height: 3 })
})

test('several looks on one tile: each in its place, the larger where two overlap', () => {
  const original = { width: 400, height: 100 }
  const look = (x0: number, x1: number, value: number): View => ({
    fused: map(2, 2, [value, value, value, value]),
    placement: { original, box: { x0, y0: 0, x1, y1: 100 }, side: 64, offset: { x: 0, y: 0 }, size: { width: 64, height: 64 } },
  })
  const heat = (z: number): number => Math.round(255 / (1 + Math.exp(-z)))
  for (const views of [
    [look(0, 200, 1), look(100, 300, -1)],
    [look(100, 300, -1), look(0, 200, 1)],
  ]) {
    const tile = heatmapTile(views)
    const row = 32 * 256
    expect([16, 96, 160, 224].map((x) => tile[row + x])).toEqual([heat(1), heat(1), heat(-1), 0])
  }
  expect(() => heatmapTile([])).toThrow(RangeError)
})

test('levels fused by their logits, or by their probabilities as in the paper', () => {
  expect(fuse([1, 2, 6], 'logits')).toBe(3)
  const sigma = (z: number): number => 1 / (1 + Math.exp(-z))
  const p = (sigma(-1) + sigma(0.5) + sigma(3)) / 3
  expect(fuse([-1, 0.5, 3], 'probabilities')).toBeCloseTo(Math.log(p / (1 - p)), 12)
  // nothing rounds to 0 or 1: one level alone is itself, however sure
  for (const z of [-800, -40, 0, 40, 800]) expect(fuse([z], 'probabilities')).toBeCloseTo(z, 9)
  expect(fuse([60, -60], 'probabilities')).toBeCloseTo(0, 9)
  const cells = fuseMaps([map(2, 1, [4, -4]), map(1, 1, [0])], 'probabilities')
  expect(cells.values[0]).toBeCloseTo(fuse([4, 0], 'probabilities'), 5)
  expect(() => fuse([], 'probabilities')).toThrow(RangeError)
})
