// Thresholds keep their budgets, and what they promise holds: coverage counted over 1,000 simulated calibrations.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalCdf, normalQuantile } from '../../../src/domain/rates'
import { posteriorAt } from '../../../src/domain/calibration'
import { firstCalibration, firstPolicy } from '../../../src/domain/first-policy'
import { UnusableSample, type Sample } from '../../../src/domain/scores'
import { anyPromise, classPromise, policyFrom, shareBudget, thresholdBy, withThreshold } from '../../../src/domain/thresholds'
import { mapClasses, THREAT_CLASSES, type PerClass } from '../../../src/shared/classes'
import { policyDraft, type PolicyDraft, type SetBy } from '../../../src/shared/policy'
import { manifest } from './manifest'
import { benignBag, CENTRES, randomOf, WIDTHS } from './random'

const calibration = { ...firstCalibration(manifest, 1), version: 1 }
const draft: PolicyDraft = policyDraft.parse(firstPolicy(manifest, 1, 1))
const LIFT = 4

function sample(seed: number, benign: number, positives: number, rho: number): Sample {
  const random = randomOf(seed)
  return {
    benign: Array.from({ length: benign }, () => benignBag(random, rho)),
    positives: mapClasses((c) =>
      Array.from({ length: positives }, () => {
        const bag = benignBag(random, rho)
        return { ...bag, [c]: bag[c] + LIFT * WIDTHS[c] }
      }),
    ),
  }
}
const FACTORS = Array.from({ length: 1000 }, (_, i) => normalQuantile((i + 0.5) / 1000))
/** True rate at which a benign bag reaches any threshold: the factor integrated out. */
function trueAnyRate(thresholds: PerClass<number>, rho: number): number {
  let sum = 0
  for (const factor of rho === 0 ? [0] : FACTORS) {
    const none = THREAT_CLASSES.reduce(
      (p, c) => p * normalCdf(((thresholds[c] - CENTRES[c]) / WIDTHS[c] - Math.sqrt(rho) * factor) / Math.sqrt(1 - rho)),
      1,
    )
    sum += 1 - none
  }
  return sum / (rho === 0 ? 1 : FACTORS.length)
}
const alarms = (d: PolicyDraft) => mapClasses((c) => d.classes[c].alarm.threshold)

describe('coverage: 1,000 calibrations, true rate within the promised bound in at least 95 % (less three standard errors: 92.9 %)', () => {
  const CALIBRATIONS = 1000
  const least = 0.95 - 3 * Math.sqrt((0.95 * 0.05) / CALIBRATIONS)

  test.each([300, 1500])('one class, %d benign bags, 5 false alarms per 1,000', (n) => {
    let held = 0
    let bound = 0
    for (let i = 0; i < CALIBRATIONS; i++) {
      const random = randomOf(1000 + i)
      const s: Sample = {
        benign: Array.from({ length: n }, () => ({ ...mapClasses(() => 0), gun: random.normal() })),
        positives: mapClasses(() => []),
      }
      const by: SetBy = { kind: 'budget-per-1000', value: 5 }
      const t = thresholdBy(by, 'gun', s, calibration.classes.gun, draft)
      const promise = classPromise(s, 'gun', t, draft, by)
      if (1 - normalCdf(t) <= promise.falseAlarmUpper95) held++
      bound = promise.falseAlarmUpper95
    }
    console.log(`coverage, one class, n = ${n}: ${held} of ${CALIBRATIONS}; bound ${(1000 * bound).toFixed(2)} per 1,000`)
    expect(held / CALIBRATIONS).toBeGreaterThanOrEqual(least)
    expect(held / CALIBRATIONS, 'a bound that always holds is no 95 % bound').toBeLessThan(0.98)
  })

  test.each([
    [300, 0],
    [1500, 0],
    [1500, 0.6],
  ])(
    'five classes sharing the bag’s budget, %d benign bags, classes correlated by %d',
    (n, rho) => {
      let held = 0
      let within = 0
      let bound = 0
      for (let i = 0; i < CALIBRATIONS; i++) {
        const random = randomOf(9000 + i)
        const s: Sample = { benign: Array.from({ length: n }, () => benignBag(random, rho)), positives: mapClasses(() => []) }
        const shared = shareBudget(draft, 'alarm', { kind: 'budget-per-1000', value: 5, scope: 'bag' }, s)
        const promise = anyPromise(s, shared, 'alarm')
        const rate = trueAnyRate(alarms(shared), rho)
        if (rate <= promise.falseAlarmUpper95) held++
        if (rate <= 0.005) within++
        bound = promise.falseAlarmUpper95
      }
      console.log(
        `coverage, five classes, n = ${n}, rho = ${rho}: ${held} of ${CALIBRATIONS} within the bound (${(1000 * bound).toFixed(2)} per 1,000), ${within} within 5 per 1,000`,
      )
      expect(held / CALIBRATIONS).toBeGreaterThanOrEqual(least)
      if (n === 1500)
        expect(within / CALIBRATIONS, 'where the sample supports the budget the budget itself holds').toBeGreaterThanOrEqual(
          least,
        )
    },
    120_000,
  )

  test('a least recall of 80 % from 200 threats', () => {
    let held = 0
    for (let i = 0; i < CALIBRATIONS; i++) {
      const random = randomOf(50_000 + i)
      const s: Sample = {
        benign: [],
        positives: {
          ...mapClasses(() => []),
          gun: Array.from({ length: 200 }, () => ({ ...mapClasses(() => 0), gun: random.normal() })),
        },
      }
      const t = thresholdBy({ kind: 'recall', value: 0.8 }, 'gun', s, calibration.classes.gun, draft)
      if (1 - normalCdf(t) >= 0.8) held++
    }
    console.log(`coverage, least recall: ${held} of ${CALIBRATIONS}`)
    expect(held / CALIBRATIONS).toBeGreaterThanOrEqual(least)
    expect(held / CALIBRATIONS).toBeLessThan(0.98)
  })
})

test('a budget is honoured by the bound wherever the sample supports it, and the shortfall is told where it does not', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 4000 }),
      fc.integer({ min: 1, max: 1e6 }),
      fc.double({ min: 0.5, max: 100, noNaN: true }),
      fc.boolean(),
      (n, seed, per1000, hourly) => {
        const s = sample(seed, n, 1, 0.3)
        const value = hourly ? (per1000 / 1000) * draft.bagsPerHour : per1000
        const by: SetBy = { kind: hourly ? 'budget-per-hour' : 'budget-per-1000', value }
        const t = thresholdBy(by, 'knife', s, calibration.classes.knife, draft)
        const promise = classPromise(s, 'knife', t, draft, by)
        if (promise.moreBenignNeeded === 0) expect(promise.falseAlarmUpper95).toBeLessThanOrEqual(per1000 / 1000 + 1e-12)
        else {
          expect(promise.falseAlarmRate, 'the strictest threshold that the sample can tell of').toBe(0)
          const enough = n + (promise.moreBenignNeeded ?? NaN)
          expect(1 - 0.05 ** (1 / enough)).toBeLessThanOrEqual(per1000 / 1000 + 1e-12)
          expect(1 - 0.05 ** (1 / (enough - 1))).toBeGreaterThan(per1000 / 1000 - 1e-12)
        }
      },
    ),
    { numRuns: 100 },
  )
})

test('3,304 benign bags promise 0.9 per 1,000, and 0.5 takes 2,686 more', () => {
  const s = sample(7, 3304, 50, 0)
  const by: SetBy = { kind: 'budget-per-1000', value: 0.5 }
  const promise = classPromise(s, 'gun', thresholdBy(by, 'gun', s, calibration.classes.gun, draft), draft, by)
  expect(promise.falseAlarmUpper95 * 1000).toBeCloseTo(0.906, 3)
  expect(promise.moreBenignNeeded).toBe(Math.ceil(Math.log(0.05) / Math.log(1 - 0.0005)) - 3304)
})

test('sharing the bag’s budget keeps the bag’s bound and gives each class about its part', () => {
  const s = sample(3, 20_000, 200, 0.3)
  const shared = shareBudget(draft, 'alarm', { kind: 'budget-per-1000', value: 5, scope: 'bag' }, s)
  const any = anyPromise(s, shared, 'alarm')
  expect(any.falseAlarmUpper95).toBeLessThanOrEqual(0.005)
  expect(any.moreBenignNeeded).toBe(0)
  expect(any.falseAlarmRate, 'no more than the bound demands is given away').toBeGreaterThan(0.0038)
  for (const c of THREAT_CLASSES) {
    const share = classPromise(s, c, shared.classes[c].alarm.threshold, shared, shared.classes[c].alarm.setBy).falseAlarmRate
    expect(share, c).toBeGreaterThan(0.0003)
    expect(share, c).toBeLessThan(0.0025)
  }
})

test('a cost ratio alarms exactly where the posterior reaches 1 / (1 + ratio)', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.1, max: 1e5, noNaN: true }), (ratio) => {
      const t = thresholdBy({ kind: 'cost-ratio', value: ratio }, 'gun', sample(1, 30, 30, 0), calibration.classes.gun, draft)
      expect(posteriorAt(calibration.classes.gun, t, draft.prevalence.gun)).toBeCloseTo(1 / (1 + ratio), 9)
    }),
  )
})

test('the two-tier order cannot be broken by any sequence of settings', () => {
  const step = fc.tuple(
    fc.constantFrom(...THREAT_CLASSES),
    fc.constantFrom('advisory' as const, 'alarm' as const),
    fc.double({ min: -30, max: 30, noNaN: true }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const end = steps.reduce((d, [c, tier, t]) => withThreshold(d, c, tier, t, { kind: 'hand' }), draft)
      expect(policyDraft.safeParse(end).success).toBe(true)
      for (const [c, tier, t] of steps.slice(-1)) expect(end.classes[c][tier].threshold).toBe(t)
    }),
  )
  const crossed = structuredClone(draft)
  crossed.classes.gun.advisory.threshold = 99
  expect(() => policyFrom(crossed, sample(1, 30, 5, 0), { createdAt: 1, author: 'a', reason: 'b' }, calibration)).toThrow(
    RangeError,
  )
})

test('the worked example: recall 0.9 at 1 in 1,000 needs a false-alarm bound of 0.09 % for an alarm that is right half the time', () => {
  const n = 3328 // no alarm: bound 0.09 %
  const s: Sample = {
    benign: Array.from({ length: n }, () => mapClasses(() => 0)),
    positives: mapClasses((c) => Array.from({ length: 10 }, (_, i) => ({ ...mapClasses(() => 0), [c]: i === 0 ? 0 : 9 }))),
  }
  const lane = { ...draft, prevalence: mapClasses(() => 0.001) }
  const promise = classPromise(s, 'gun', 5, lane, { kind: 'hand' })
  expect(promise).toMatchObject({ recall: 0.9, falseAlarmRate: 0, moreBenignNeeded: null })
  expect(promise.ppv).toBeCloseTo(0.5, 2)
  expect(promise.missesPerHour).toBeCloseTo(0.03, 6)
  expect(promise.missesPerMonth).toBeCloseTo(6, 6)
})

describe('a sample that cannot bear it is refused in plain words', () => {
  const by: SetBy = { kind: 'budget-per-1000', value: 5 }
  const with_ = (benign: PerClass<number>[]): Sample => ({ benign, positives: mapClasses(() => []) })
  test('no benign bag', () => {
    expect(() => thresholdBy(by, 'gun', with_([]), calibration.classes.gun, draft)).toThrow(/no benign bag/)
    expect(() => shareBudget(draft, 'alarm', by, with_([]))).toThrow(UnusableSample)
  })
  test('all scores equal', () => {
    expect(() =>
      thresholdBy(by, 'gun', with_(Array.from({ length: 50 }, () => mapClasses(() => 1))), calibration.classes.gun, draft),
    ).toThrow(/same gun score/)
  })
  test('too few bags', () => {
    expect(() => thresholdBy(by, 'gun', sample(1, 5, 5, 0), calibration.classes.gun, draft)).toThrow(/only 5 independent/)
  })
  test('no threat, or too few for the recall', () => {
    expect(() => thresholdBy({ kind: 'recall', value: 0.9 }, 'gun', with_([]), calibration.classes.gun, draft)).toThrow(
      /no bag with gun/,
    )
    expect(() =>
      thresholdBy({ kind: 'recall', value: 0.99 }, 'gun', sample(1, 5, 50, 0), calibration.classes.gun, draft),
    ).toThrow(/299 bags with gun are needed/)
  })
  test('a promise without a sample promises the worst', () => {
    expect(classPromise(with_([]), 'gun', 1, draft, by)).toMatchObject({
      falseAlarmRate: 1,
      falseAlarmUpper95: 1,
      recall: null,
      ppv: null,
      moreBenignNeeded: 598,
    })
  })
})
