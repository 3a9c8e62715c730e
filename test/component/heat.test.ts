// Heat: frames point at the peak's region, colours keep the absolute scale, a broken sheet is refused.
import { describe, expect, it } from 'vitest'
import { colourHeat } from '../../src/domain/heat'
import { aroundPeak, frameOf } from '../../src/renderer/state/frames'
import { splitSheet, strongest, type Tile } from '../../src/renderer/state/heat'

function tileOf(width: number, height: number, value: (x: number, y: number) => number): Tile {
  const values = new Uint8ClampedArray(width * height)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) values[y * width + x] = value(x, y)
  return { width, height, values }
}
const holds = (r: ReturnType<typeof frameOf>, x: number, y: number): boolean =>
  x >= r.x && x <= r.x + r.width && y >= r.y && y <= r.y + r.height

describe('frameOf', () => {
  it('holds the hot region round the peak, and not another one', () => {
    const hot = (x: number, y: number): boolean => x >= 20 && x < 50 && y >= 30 && y < 50
    const other = (x: number, y: number): boolean => x >= 80 && y >= 80
    const frame = frameOf(
      tileOf(100, 100, (x, y) => (hot(x, y) ? 220 : other(x, y) ? 230 : 10)),
      { x: 0.35, y: 0.4 },
    )
    expect(holds(frame, 0.2, 0.3) && holds(frame, 0.49, 0.49)).toBe(true)
    expect(holds(frame, 0.8, 0.8)).toBe(false)
    expect(frame.width).toBeLessThan(0.4)
  })

  it('is a square of fixed size round the peak where the heat is everywhere, nowhere or a speck', () => {
    for (const tile of [
      tileOf(60, 40, () => 200),
      tileOf(60, 40, () => 0),
      tileOf(60, 40, (x, y) => (x === 30 && y === 20 ? 255 : 0)),
    ]) {
      const frame = frameOf(tile, { x: 0.5, y: 0.5 })
      expect(frame).toEqual(aroundPeak({ x: 0.5, y: 0.5 }, 1.5))
    }
  })

  it('stays inside the scan at its corners', () => {
    for (const peak of [
      { x: 0, y: 0 },
      { x: 1, y: 1 },
      { x: 0, y: 1 },
    ]) {
      const frame = frameOf(
        tileOf(50, 50, () => 0),
        peak,
      )
      expect(Math.min(frame.x, frame.y)).toBeGreaterThanOrEqual(0)
      expect(Math.max(frame.x + frame.width, frame.y + frame.height)).toBeLessThanOrEqual(1)
    }
  })
})

describe('colours', () => {
  it('leave weak heat clear and never stretch it: twice the heat is more opaque, and 0.2 does not look like 1', () => {
    const alpha = (v: number): number => colourHeat(new Uint8ClampedArray([v]))[3] ?? NaN
    expect(alpha(0)).toBe(0)
    expect(alpha(5)).toBe(0)
    expect(alpha(50)).toBeLessThan(alpha(100))
    expect(alpha(50)).toBeLessThan(0.6 * alpha(255))
    // absolute: a value looks the same whatever else the map holds
    expect([...colourHeat(new Uint8Array([90, 255]))].slice(0, 4)).toEqual([...colourHeat(new Uint8Array([90, 91]))].slice(0, 4))
    expect(colourHeat(new Uint8Array([255]), 0.6)[3]).toBe(Math.round(0.6 * 255))
  })
})

describe('splitSheet', () => {
  it('cuts five tiles in class order', () => {
    const rgba = new Uint8ClampedArray(2 * 10 * 4)
    for (let tile = 0; tile < 5; tile++) for (let i = 0; i < 4; i++) rgba[4 * (tile * 4 + i)] = 50 * tile
    const sheet = splitSheet(rgba, 2, 10)
    expect([...sheet.gun.values]).toEqual([0, 0, 0, 0])
    expect([...sheet.scissors.values]).toEqual([200, 200, 200, 200])
    expect(strongest(sheet.pliers)).toBeCloseTo(150 / 255)
  })

  it('refuses what is no sheet of five', () => {
    expect(() => splitSheet(new Uint8ClampedArray(4 * 12), 1, 12)).toThrow(/five tiles/)
  })
})
