// The drift view finds a feed that darkened or whose alarm rate doubled within 500 bags, and keeps quiet for 5,000 clean ones.
import { describe, expect, test } from 'vitest'
import { ksDistance, ksLimit, RateCusum } from '../../../src/domain/drift'
import { firstCalibration, firstPolicy } from '../../../src/domain/first-policy'
import { estimatePrevalence } from '../../../src/domain/prevalence'
import type { Sample } from '../../../src/domain/scores'
import { policyFrom, shareBudget } from '../../../src/domain/thresholds'
import { DriftMonitor } from '../../../src/main/station/drift'
import type { ImageStatistics } from '../../../src/shared/bag'
import { mapClasses, type PerClass } from '../../../src/shared/classes'
import { manifest } from '../domain/manifest'
import { benignBag, randomOf, WIDTHS } from '../domain/random'

const RHO = 0.3
const calibrationOf = () => ({ ...firstCalibration(manifest, 1), version: 1 })
const random = randomOf(42)
const sample: Sample = {
  benign: Array.from({ length: 4000 }, () => benignBag(random, RHO)),
  positives: mapClasses((c) =>
    Array.from({ length: 100 }, () => {
      const bag = benignBag(random, RHO)
      return { ...bag, [c]: bag[c] + 4 * WIDTHS[c] }
    }),
  ),
}
/** Alarms at most 5, flagged at most 80 bags per 1,000. */
const draft = shareBudget(
  shareBudget({ ...firstPolicy(manifest, 1, 1) }, 'advisory', { kind: 'budget-per-1000', value: 80, scope: 'bag' }, sample),
  'alarm',
  { kind: 'budget-per-1000', value: 5, scope: 'bag' },
  sample,
)
const calibration = calibrationOf()
const policy = { ...policyFrom(draft, sample, { createdAt: 1, author: 'test', reason: 'test' }, calibration), version: 1 }

const image = (r: ReturnType<typeof randomOf>, brightness = 1): ImageStatistics => ({
  brightness: brightness * (150 + 10 * r.normal()),
  background: 245 + 3 * r.normal(),
  aspect: 1.5 + 0.3 * r.normal(),
  bagShare: 0.5 + 0.1 * r.normal(),
})
const monitor = () => new DriftMonitor({ manifest, sample, policy, calibration })
const drifted = (m: DriftMonitor): string[] =>
  m
    .report()
    .signals.filter((s) => s.state === 'drifted')
    .map((s) => s.id)
const flagged = (z: PerClass<number>): boolean =>
  Object.entries(policy.classes).some(([c, p]) => z[c as keyof typeof z] >= p.advisory.threshold)

const LANES = 20

test(`${LANES} steady lanes keep quiet for 5,000 clean bags each`, () => {
  const signals: string[] = []
  for (let lane = 0; lane < LANES; lane++) {
    const r = randomOf(100 + lane)
    const m = monitor()
    for (let i = 0; i < 5000; i++) {
      m.saw({ fused: benignBag(r, RHO), statistics: image(r) })
      if (i % 50 === 49) signals.push(...drifted(m))
    }
    expect(m.report().state).toBe('steady')
  }
  expect(signals).toEqual([])
}, 120_000)

test('a feed 10 % darker is found within 500 bags, and named', () => {
  const found: number[] = []
  for (let lane = 0; lane < LANES; lane++) {
    const r = randomOf(300 + lane)
    const m = monitor()
    for (let i = 0; i < 1000; i++) m.saw({ fused: benignBag(r, RHO), statistics: image(r) })
    let at = 0
    while (at < 500 && !drifted(m).includes('image-brightness')) {
      m.saw({ fused: benignBag(r, RHO), statistics: image(r, 0.9) })
      at++
    }
    expect(m.report().signals.find((s) => s.id === 'image-brightness')).toMatchObject({
      state: 'drifted',
      says: expect.stringContaining('darker') as string,
    })
    found.push(at)
  }
  console.log(`10 % darker: found after ${Math.min(...found)} to ${Math.max(...found)} bags (${LANES} lanes)`)
})

test('a feed whose flagged rate doubled is found within 500 bags', () => {
  const found: number[] = []
  for (let lane = 0; lane < LANES; lane++) {
    const r = randomOf(500 + lane)
    const m = monitor()
    for (let i = 0; i < 1000; i++) m.saw({ fused: benignBag(r, RHO), statistics: image(r) })
    expect(drifted(m)).toEqual([])
    let at = 0
    // doubled: a bag that is not flagged is drawn again with a chance that makes twice as many of them flagged
    while (at < 500 && !drifted(m).includes('rate-advisory')) {
      let bag = benignBag(r, RHO)
      if (!flagged(bag) && r.uniform() < 0.074 / 0.926)
        do bag = benignBag(r, RHO)
        while (!flagged(bag))
      m.saw({ fused: bag, statistics: image(r) })
      at++
    }
    found.push(drifted(m).includes('rate-advisory') ? at : Infinity)
  }
  const within = found.filter((n) => n < 500).length
  console.log(
    `flagged rate doubled: found within 500 bags on ${within} of ${LANES} lanes, median ${[...found].sort((a, b) => a - b)[LANES / 2]}`,
  )
  expect(within / LANES).toBeGreaterThanOrEqual(0.95)
})

test('a feed whose scores shifted is found by the distribution, and one that recovered is steady again', () => {
  const r = randomOf(9)
  const m = monitor()
  const shifted = () => {
    const bag = benignBag(r, RHO)
    return { ...bag, gun: bag.gun + 0.7 }
  }
  for (let i = 0; i < 500; i++) m.saw({ fused: shifted(), statistics: image(r, 0.9) })
  expect(drifted(m)).toEqual(expect.arrayContaining(['scores-gun', 'image-brightness']))
  for (let i = 0; i < 1000; i++) m.saw({ fused: benignBag(r, RHO), statistics: image(r) })
  expect(m.report().state).toBe('steady')
})

describe('the parts', () => {
  test('EM finds the prevalence of two Gaussians', () => {
    const r = randomOf(1)
    const m = 3
    for (const truth of [0.02, 0.2]) {
      const odds = Array.from({ length: 20_000 }, () => {
        const z = r.normal() + (r.uniform() < truth ? m : 0)
        return m * z - (m * m) / 2 // calibrated at prevalence ½
      })
      const { prevalence, gain } = estimatePrevalence(odds, 0.5, 0.001)
      expect(Math.abs(prevalence / truth - 1)).toBeLessThan(0.1)
      expect(gain).toBeGreaterThan(12)
    }
  })
  test('KS distance and its limit', () => {
    expect(ksDistance([1, 2, 3], [4, 5])).toBe(1)
    expect(ksDistance([1, 2, 3, 4], [1, 2, 3, 4])).toBe(0)
    expect(ksLimit(1e9, 100, 0.05), 'Smirnov’s table: 1.36 / √n').toBeCloseTo(0.1358, 3)
  })
  test('false signals of a rate CUSUM are as rare as set', () => {
    const r = randomOf(77)
    let signals = 0
    const bags = 400_000
    let cusum = new RateCusum(0.05, 0.1, 10_000)
    for (let i = 0; i < bags; i++) {
      cusum.add(r.uniform() < 0.05)
      if (cusum.signals) {
        signals++
        cusum = new RateCusum(0.05, 0.1, 10_000)
      }
    }
    console.log(`rate CUSUM: a false signal every ${Math.round(bags / signals)} bags, set for 10,000`)
    expect(bags / signals).toBeGreaterThan(10_000)
    expect(bags / signals).toBeLessThan(60_000)
  })
})
