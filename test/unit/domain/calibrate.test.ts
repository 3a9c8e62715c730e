// Calibration and labelled scores: known answers, the choice by held-out log-loss, refusals; the sketch and the simulated month.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fitCalibration, fitIsotonic, fitPlatt, type LabelledScore } from '../../../src/domain/calibrate'
import { RateCusum } from '../../../src/domain/drift'
import { firstCalibration, firstPolicy } from '../../../src/domain/first-policy'
import { onePerGroup, parseScores, sampleOf, UnusableSample, writeScores, type ScoredScan } from '../../../src/domain/scores'
import { simulate } from '../../../src/domain/simulate'
import { Sketch } from '../../../src/domain/sketch'
import { policyFrom } from '../../../src/domain/thresholds'
import { mapClasses } from '../../../src/shared/classes'
import { classCalibration } from '../../../src/shared/policy'
import { manifest } from './manifest'
import { benignBag, randomOf, WIDTHS } from './random'

/** Benign N(0, 1), threats N(m, 1), one in `per` a threat: log odds are m·z − m²/2 + the prior's. */
function gaussians(seed: number, n: number, m: number, per: number): LabelledScore[] {
  const r = randomOf(seed)
  return Array.from({ length: n }, (_, i) => ({
    z: r.normal() + (i % per === 0 ? m : 0),
    positive: i % per === 0,
    group: `g${i}`,
  }))
}

test('Platt finds the known slope and offset of two Gaussians', () => {
  const fit = fitPlatt(gaussians(1, 40_000, 2, 10))
  expect(fit.a).toBeCloseTo(2, 1)
  expect(fit.b).toBeCloseTo(-2 + Math.log(1 / 9), 1)
})

test('isotonic regression is monotone, keeps the mean, and pools what violates the order', () => {
  const scores = fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.boolean()), { minLength: 4, maxLength: 60 })
  fc.assert(
    fc.property(scores, (rows) => {
      const sample = rows.map(([z, positive], i) => ({ z, positive, group: String(i) }))
      fc.pre(sample.some((s) => s.positive) && sample.some((s) => !s.positive) && sample.some((s) => s.z !== sample[0]?.z))
      const { z, p } = fitIsotonic(sample)
      for (let i = 1; i < p.length; i++) {
        expect(z[i]).toBeGreaterThan(z[i - 1] ?? NaN)
        expect(p[i]).toBeGreaterThanOrEqual(p[i - 1] ?? NaN)
      }
      const value = (x: number): number => p[z.findLastIndex((k) => k <= x)] ?? NaN
      expect(sample.reduce((s, r) => s + value(r.z), 0)).toBeCloseTo(sample.filter((r) => r.positive).length, 9)
    }),
  )
  expect(
    fitIsotonic([0, 1, 2, 3].map((z, i) => ({ z, positive: [false, true, false, true][i] === true, group: String(i) }))),
  ).toEqual({
    method: 'isotonic',
    z: [0, 1, 2, 3],
    p: [0, 0.5, 0.5, 1],
  })
})

test('the smaller held-out log-loss wins: Platt on Gaussians, isotonic where the log odds bend', () => {
  const straight = fitCalibration(gaussians(2, 3000, 2, 5))
  expect(straight.map.method).toBe('platt')
  expect(straight.logLoss.platt).toBeLessThan(straight.logLoss.isotonic)
  expect(straight.ece).toBeLessThan(0.02)
  expect(classCalibration.parse(straight)).toEqual(straight)
  const r = randomOf(3)
  const bent = Array.from({ length: 6000 }, (_, i) => {
    const z = 6 * r.uniform() - 3
    return { z, positive: r.uniform() < (z < -1 ? 0.05 : z < 1 ? 0.5 : 0.55), group: `g${i}` }
  })
  const fit = fitCalibration(bent)
  expect(fit.map.method).toBe('isotonic')
  expect(fit.ece).toBeLessThan(0.03)
})

describe('a sample that tells nothing is refused in plain words', () => {
  const rows = (n: number, z: (i: number) => number, positive: (i: number) => boolean) =>
    Array.from({ length: n }, (_, i) => ({ z: z(i), positive: positive(i), group: String(i) }))
  test.each([
    ['empty', [], /empty/],
    [
      'only threats',
      rows(
        50,
        (i) => i,
        () => true,
      ),
      /all 50 scans are threats/,
    ],
    [
      'only benign',
      rows(
        50,
        (i) => i,
        () => false,
      ),
      /all 50 scans are benign/,
    ],
    [
      'all equal',
      rows(
        50,
        () => 1,
        (i) => i % 2 === 0,
      ),
      /same score/,
    ],
    [
      'upside down',
      rows(
        200,
        (i) => (i % 2 ? i : -i),
        (i) => i % 2 === 0,
      ),
      /do not rise/,
    ],
    [
      'too few',
      rows(
        30,
        (i) => i,
        (i) => i > 25,
      ),
      /4 threat and 26 benign bags/,
    ],
    [
      'not a number',
      rows(
        50,
        (i) => (i === 7 ? NaN : i),
        (i) => i > 25,
      ),
      /not a finite number/,
    ],
  ])('%s', (_, sample, why) => {
    expect(() => fitCalibration(sample)).toThrow(UnusableSample)
    expect(() => fitCalibration(sample)).toThrow(why)
  })
})

describe('scores files', () => {
  const scan = (group: string, gun: 0 | 1 | -1, z: number, source = 's'): ScoredScan => ({
    source,
    group,
    labels: { ...mapClasses(() => 0 as const), gun },
    fused: mapClasses(() => z),
  })
  test('are read as they are written', () => {
    const scans = [scan('a', 0, -1.25), scan('b', 1, 3.5), scan('c', -1, 0)]
    expect(parseScores(writeScores(scans))).toEqual(scans)
  })
  test('a bag counts once, whatever its sources; unknown labels are neither benign nor a threat', () => {
    const scans = [
      scan('a', 0, 1, 'benign'),
      scan('a', 0, 2, 'twin'),
      scan('a', 1, 3, 'composite'),
      scan('b', 0, 4),
      scan('c', -1, 5),
    ]
    const sample = sampleOf(scans)
    expect(sample.benign).toHaveLength(2)
    expect(sample.positives.gun.map((z) => z.gun)).toEqual([3])
    expect(onePerGroup(scans)).toEqual(onePerGroup(scans))
  })
  test('a cell that is no number is refused with its line', () => {
    const text = writeScores([scan('a', 0, 1), scan('b', 0, 2)])
    expect(() => parseScores(text.replace(/2\n$/, '\n'))).toThrow(/Line 3 of the scores: the score of scissors is ""/)
    expect(() => parseScores(text.replace('b,0', 'b,7'))).toThrow(/a label is 0, 1 or -1, not 7/)
    expect(() => parseScores(text.replace('z_gun', 'z_gnu'))).toThrow(/no column "z_gun"/)
  })
})

test('the sketch is exact in the tail to a bin, gives back what it took, and survives writing down', () => {
  const r = randomOf(4)
  const values = Array.from({ length: 20_000 }, () => 3 * r.normal())
  const sketch = new Sketch()
  for (const v of values) sketch.add(v)
  const sorted = [...values].sort((a, b) => b - a)
  for (const k of [0, 1, 5, 20, 200, 2000]) {
    const edge = sketch.edgeFor(k) ?? NaN
    expect(sorted.filter((v) => v >= edge).length).toBeLessThanOrEqual(k)
    expect(Math.abs(edge - (sorted[k] ?? NaN)), `rank ${k}`).toBeLessThanOrEqual(0.0401)
    expect(sketch.countFrom(edge)).toBeLessThanOrEqual(k)
  }
  const { width, bins } = sketch.state()
  expect(new Sketch(width, bins).state()).toEqual(sketch.state())
  for (const v of values) sketch.add(v, -1)
  expect(sketch.state().bins).toEqual([])
  expect(() => sketch.add(NaN)).toThrow(RangeError)
})

test('a simulated stretch counts what the policy does, and posteriors of a right calibration add up to the threats', () => {
  const r = randomOf(6)
  const lift = 4
  const benign = Array.from({ length: 4000 }, () => benignBag(r, 0))
  const positives = mapClasses((c) =>
    Array.from({ length: 2000 }, () => {
      const bag = benignBag(r, 0)
      return { ...bag, [c]: bag[c] + lift * WIDTHS[c] }
    }),
  )
  const centre = { gun: -6, knife: -4, wrench: -5, pliers: -7, scissors: -5 }
  const calibration = { ...firstCalibration(manifest, 1), version: 1 }
  calibration.classes = mapClasses((c) => {
    const a = lift / WIDTHS[c]
    return {
      ...calibration.classes[c],
      prevalence: 0.5,
      map: { method: 'platt', a, b: -a * (centre[c] + (lift * WIDTHS[c]) / 2) },
    }
  })
  const policy = {
    ...policyFrom(firstPolicy(manifest, 1, 1), { benign, positives }, { createdAt: 1, author: 'a', reason: 'b' }, calibration),
    version: 1,
  }
  const month = simulate({ benign, positives }, policy, calibration, 200_000, 0.001)
  expect(month.benign + month.threats).toBe(200_000)
  expect(month.found + month.advised + month.missed).toBe(month.threats)
  expect(month.threats / 200_000).toBeCloseTo(0.001, 3)
  const said = Object.values(month.classes).reduce((s, c) => s + c.expected, 0)
  expect(said / month.threats).toBeGreaterThan(0.6)
  expect(said / month.threats).toBeLessThan(1.6)
  expect(month.calibrationError).toBeLessThan(5e-4)
  expect(simulate({ benign, positives }, policy, calibration, 1000, 0.01, 9)).toEqual(
    simulate({ benign, positives }, policy, calibration, 1000, 0.01, 9),
  )
  expect(() => simulate({ benign: [], positives }, policy, calibration, 10, 0.001)).toThrow(UnusableSample)
})

test('how long a doubling takes at a rare rate is told, not hidden', () => {
  const { delay } = new RateCusum(0.005, 0.01)
  expect(delay).toBeGreaterThan(3000)
  expect(delay).toBeLessThan(4500)
})
