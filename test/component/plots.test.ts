// The geometry of the Alarms charts: what is drawn where, and that a pointer and a key mean the threshold they are at.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { operatingCurve, histogramOf } from '../../src/domain/curves'
import type { Sample } from '../../src/domain/scores'
import { CurvePlot, ScoresPlot, type Plot, type Tick } from '../../src/renderer/state/plots'
import type { ClassScores, DraftEffect } from '../../src/shared/alarms'
import { mapClasses, type ThreatClass } from '../../src/shared/classes'
import type { ClassPolicy, ThresholdPromise } from '../../src/shared/policy'

const SIZE = { width: 500, height: 400 }
const each = (z: number) => mapClasses(() => z)
/** 400 benign bags from −5 to 1, 60 with a gun from −1 to 5. */
const sample: Sample = {
  benign: Array.from({ length: 400 }, (_, i) => each(-5 + (6 * i) / 399)),
  positives: mapClasses((c) => (c === 'gun' ? Array.from({ length: 60 }, (_, i) => each(-1 + (6 * i) / 59)) : [])),
}
const of: ClassScores = {
  class: 'gun',
  histogram: histogramOf(sample, 'gun'),
  curve: operatingCurve(sample, 'gun', 0.001),
  benign: 400,
  positives: 60,
}
const tierAt = (threshold: number) => ({ threshold, setBy: { kind: 'hand' as const }, promise: null })
const pair = (advisory: number, alarm: number): ClassPolicy => ({ advisory: tierAt(advisory), alarm: tierAt(alarm) })
const promise = (falseAlarmRate: number, recall: number | null): ThresholdPromise =>
  ({ falseAlarmRate, recall, ppv: 0.01 }) as ThresholdPromise
const promises = (a: ThresholdPromise, b: ThresholdPromise): DraftEffect['promises'][ThreatClass] => ({ advisory: a, alarm: b })

/** The numbers of a path, in pairs. */
const points = (d: string): [number, number][] =>
  [...d.matchAll(/(-?[\d.]+(?:e-?\d+)?),(-?[\d.]+(?:e-?\d+)?)/g)].map((m) => [Number(m[1]), Number(m[2])])
function inside(plot: Plot): void {
  const { left, right, top, bottom } = plot.frame
  for (const { d } of plot.paths)
    for (const [x, y] of points(d)) {
      expect(x).toBeGreaterThanOrEqual(left - 0.01)
      expect(x).toBeLessThanOrEqual(right + 0.01)
      expect(y).toBeGreaterThanOrEqual(top - 0.01)
      expect(y).toBeLessThanOrEqual(bottom + 0.01)
    }
}
const closest = (ticks: readonly Tick[]): number => {
  const at = ticks.map((t) => t.at).sort((a, b) => a - b)
  return Math.min(...at.slice(1).map((v, i) => v - (at[i] ?? 0)))
}

describe('scores', () => {
  it('a threshold lies where a pointer finds it again, at any size and however far it was set', () => {
    const z = fc.double({ min: -200, max: 200, noNaN: true })
    fc.assert(
      fc.property(z, z, fc.integer({ min: 120, max: 2000 }), (a, b, width) => {
        const [advisory, alarm] = [Math.min(a, b), Math.max(a, b)]
        const plot = new ScoresPlot(of, pair(advisory, alarm), { width, height: 300 })
        for (const [handle, threshold] of [
          [plot.handles[0], advisory],
          [plot.handles[1], alarm],
        ] as const) {
          expect(handle?.now).toBe(threshold)
          const { x = NaN, anchor = 'middle' } = handle?.label ?? {}
          const [before, after] = { start: [0, 60], middle: [30, 30], end: [60, 0] }[anchor] as [number, number]
          expect(x - before).toBeGreaterThanOrEqual(0)
          expect(x + after).toBeLessThanOrEqual(width)
          expect(handle?.x).toBeGreaterThanOrEqual(plot.frame.left)
          expect(handle?.x).toBeLessThanOrEqual(plot.frame.right)
          expect(plot.thresholdAt(handle?.x ?? NaN)).toBeCloseTo(threshold, 6)
        }
      }),
    )
  })

  it('one bag is seen, ten stand higher, none lies on the ground', () => {
    const counts = [0, 1, 10, 0]
    const flat = { ...of, histogram: { edges: [0, 1, 2, 3, 4], benign: counts, positive: [0, 0, 0, 0] } }
    const plot = new ScoresPlot(flat, pair(1, 2), SIZE)
    const { bottom } = plot.frame
    const [benign, positive] = plot.paths
    const tops = points(benign?.d ?? '').map(([, y]) => y)
    const one = plot.y.ticks.find((t) => t.text === '1')?.at ?? NaN
    const ten = plot.y.ticks.find((t) => t.text === '10')?.at ?? NaN
    expect(ten).toBeLessThan(one)
    expect(one).toBeLessThan(bottom - 10)
    expect(tops.some((y) => Math.abs(y - one) < 0.01)).toBe(true)
    expect(Math.min(...tops)).toBeCloseTo(ten, 1)
    expect(points(positive?.d ?? '').every(([, y]) => Math.abs(y - bottom) < 0.01)).toBe(true)
    inside(plot)
  })

  it('an empty sample is drawn without a number that is none', () => {
    const none: Sample = { benign: [], positives: mapClasses(() => []) }
    const plot = new ScoresPlot({ ...of, histogram: histogramOf(none, 'gun') }, pair(0, 0), SIZE)
    expect(plot.paths.map((p) => p.d).join()).not.toContain('NaN')
    expect(plot.handles.every((h) => Number.isFinite(h.x))).toBe(true)
  })

  it('right and up make a threshold stricter; other keys are not the chart’s', () => {
    const plot = new ScoresPlot(of, pair(0, 1), SIZE)
    expect(plot.step('ArrowRight', false)).toBeGreaterThan(0)
    expect(plot.step('ArrowLeft', true)).toBeLessThan(plot.step('ArrowLeft', false) ?? NaN)
    expect(plot.step('Tab', false)).toBeNull()
  })
})

describe('operating curve', () => {
  it.each(['det', 'pr'] as const)('%s: curve and band stay in the plot; labels do not touch', (kind) => {
    for (const width of [260, 500, 1400]) {
      const plot = new CurvePlot(of, null, kind, { width, height: 320 })
      inside(plot)
      expect(closest(plot.x.ticks)).toBeGreaterThanOrEqual(42)
      expect(closest(plot.y.ticks)).toBeGreaterThanOrEqual(22)
      expect(plot.x.ticks.length).toBeGreaterThan(1)
      expect(plot.handles).toEqual([])
    }
  })

  it('fewer false alarms lie to the left, more found threats below; the axes are normal deviates', () => {
    const plot = new CurvePlot(of, promises(promise(0.02, 0.9), promise(0.02, 0.4)), 'det', SIZE)
    const [advisory, alarm] = plot.handles
    expect(advisory?.x).toBe(alarm?.x)
    expect(advisory?.y).toBeGreaterThan(alarm?.y ?? NaN)
    // 2 % lies as far above 0.1 % as 10 % does above 1 % or so: not linear, not logarithmic
    const at = (rate: number): number =>
      new CurvePlot(of, promises(promise(rate, 0.5), promise(rate, 0.5)), 'det', SIZE).handles[0]?.x ?? NaN
    const probit = { '0.01': -2.3263, '0.1': -1.2816, '0.5': 0 }
    expect((at(0.1) - at(0.01)) / (at(0.5) - at(0.1))).toBeCloseTo(
      (probit['0.1'] - probit['0.01']) / (probit['0.5'] - probit['0.1']),
      3,
    )
  })

  it('a drag means the threshold of the nearest point of the curve', () => {
    for (const kind of ['det', 'pr'] as const) {
      const plot = new CurvePlot(of, null, kind, SIZE)
      const curve = points(plot.paths.at(-1)?.d ?? '')
      expect(curve).toHaveLength(of.curve.length)
      for (const i of [0, 40, 100, of.curve.length - 1]) {
        const [x, y] = curve[i] ?? [NaN, NaN]
        const found = of.curve.findIndex((p) => p.threshold === plot.thresholdAt(x + 0.2, y))
        const [fx, fy] = curve[found] ?? [NaN, NaN]
        expect(Math.hypot(fx - x, fy - y)).toBeLessThan(0.5)
      }
    }
  })

  it('a share found that nobody can tell has no point, and no curve has no threshold', () => {
    expect(new CurvePlot(of, promises(promise(0.1, null), promise(0.1, 0.5)), 'det', SIZE).handles.map((h) => h.tier)).toEqual([
      'alarm',
    ])
    const empty = new CurvePlot({ ...of, curve: [] }, null, 'det', SIZE)
    expect(empty.thresholdAt(10, 10)).toBeNull()
    expect(empty.paths.map((p) => p.d).join()).toBe('')
  })
})
