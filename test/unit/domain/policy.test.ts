// The judgement of a bag: tiers, verdict, posterior, and that nothing unusable is ever clear.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judge, CannotJudge, tierOf } from '../../../src/domain/policy'
import { firstCalibration, firstPolicy, splitPrevalence } from '../../../src/domain/first-policy'
import { fromLogOdds, shiftPrior } from '../../../src/domain/prior-shift'
import { posteriorAt } from '../../../src/domain/calibration'
import { posteriorInWords } from '../../../src/domain/words'
import { mapClasses, THREAT_CLASSES } from '../../../src/shared/classes'
import { calibration as calibrationSchema, classPolicy, policy as policySchema } from '../../../src/shared/policy'
import type { ClassCalibration } from '../../../src/shared/policy'
import { manifest } from './manifest'

const calibration = { ...firstCalibration(manifest, 1), version: 1 }
const policy = { ...firstPolicy(manifest, 1, 2), version: 1 }
const at = (z: number) => mapClasses(() => z)

test('the first policy and calibration satisfy the shared schemas and sum to one threat in 1,000', () => {
  expect(policySchema.parse(policy)).toEqual(policy)
  expect(calibrationSchema.parse(calibration)).toEqual(calibration)
  const sum = THREAT_CLASSES.reduce((s, c) => s + policy.prevalence[c], 0)
  expect(sum).toBeCloseTo(0.001, 12)
  expect(splitPrevalence(0.002).gun).toBeCloseTo(2 * policy.prevalence.gun, 12)
})

test('a bag is as bad as its worst class', () => {
  expect(judge(at(-9), policy, calibration).verdict).toBe('clear')
  expect(judge({ ...at(-9), knife: 2 }, policy, calibration)).toMatchObject({
    verdict: 'advisory',
    classes: { knife: { tier: 'advisory' }, gun: { tier: 'none' } },
  })
  expect(judge({ ...at(2), pliers: 4 }, policy, calibration)).toMatchObject({
    verdict: 'alarm',
    classes: { pliers: { tier: 'alarm' } },
  })
  expect(judge({ ...at(-9), gun: 4 }, policy, calibration).verdict, 'the threshold itself belongs to the tier').toBe('alarm')
})

test.each([NaN, Infinity, -Infinity])('a score of %s is refused, whichever class it is', (bad) => {
  for (const c of THREAT_CLASSES) expect(() => judge({ ...at(-9), [c]: bad }, policy, calibration)).toThrow(CannotJudge)
})

test('a policy is refused with thresholds missing or out of order, and with another calibration', () => {
  const broken = structuredClone(policy)
  broken.classes.gun.alarm.threshold = NaN
  expect(() => judge(at(-9), broken, calibration)).toThrow(CannotJudge)
  broken.classes.gun.alarm.threshold = broken.classes.gun.advisory.threshold - 1
  expect(() => judge(at(-9), broken, calibration)).toThrow(CannotJudge)
  expect(classPolicy.safeParse(broken.classes.gun).success).toBe(false)
  expect(() => judge(at(-9), policy, { ...calibration, version: 2 })).toThrow(CannotJudge)
})

test('an alarm is never below its advisory, and a higher score never has a lower tier', () => {
  const order = { none: 0, advisory: 1, alarm: 2 }
  const finite = fc.double({ min: -50, max: 50, noNaN: true })
  fc.assert(
    fc.property(finite, finite, finite, finite, (a, b, y, z) => {
      const tier = (threshold: number) => ({ threshold, setBy: { kind: 'hand' as const }, promise: null })
      const p = { advisory: tier(Math.min(a, b)), alarm: tier(Math.max(a, b)) }
      expect(order[tierOf(Math.min(y, z), p)]).toBeLessThanOrEqual(order[tierOf(Math.max(y, z), p)])
    }),
  )
})

test('the posterior is monotone in the score and in the prevalence, for both kinds of map', () => {
  const base = { prevalence: 0.2, positives: 50, negatives: 200, logLoss: null, ece: null, reliability: [] }
  const z = fc.double({ min: -30, max: 30, noNaN: true })
  const isotonic = fc
    .array(fc.tuple(z, fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 12 })
    .map((points) => ({
      method: 'isotonic' as const,
      z: points.map((q) => q[0]).sort((a, b) => a - b),
      p: points.map((q) => q[1]).sort((a, b) => a - b),
    }))
  const platt = fc
    .record({ a: fc.double({ min: 0.01, max: 5, noNaN: true }), b: z })
    .map(({ a, b }) => ({ method: 'platt' as const, a, b }))
  const prevalence = fc.double({ min: 1e-6, max: 0.4, noNaN: true })
  fc.assert(
    fc.property(fc.oneof(platt, isotonic), z, z, prevalence, prevalence, (map, x, y, p, q) => {
      const c: ClassCalibration = { ...base, map }
      const value = (score: number, prior: number) => posteriorAt(c, score, prior)
      expect(value(Math.min(x, y), p)).toBeLessThanOrEqual(value(Math.max(x, y), p) + 1e-12)
      expect(value(x, Math.min(p, q))).toBeLessThanOrEqual(value(x, Math.max(p, q)) + 1e-12)
      expect(value(x, p)).toBeGreaterThanOrEqual(0)
      expect(value(x, p)).toBeLessThanOrEqual(1)
    }),
  )
})

test('two Gaussians of equal width: the posterior is the known one at any prevalence', () => {
  // benign N(0, s), threat N(m, s): log likelihood ratio = (m z − m² / 2) / s²
  fc.assert(
    fc.property(
      fc.double({ min: 0.5, max: 4, noNaN: true }),
      fc.double({ min: 0.5, max: 3, noNaN: true }),
      fc.double({ min: 0.01, max: 0.9, noNaN: true }),
      fc.double({ min: 1e-5, max: 0.4, noNaN: true }),
      fc.double({ min: -8, max: 8, noNaN: true }),
      (m, s, from, to, z) => {
        const a = m / s ** 2
        const b = -(m ** 2) / (2 * s ** 2) + Math.log(from / (1 - from))
        const c: ClassCalibration = {
          map: { method: 'platt', a, b },
          prevalence: from,
          positives: 1,
          negatives: 1,
          logLoss: null,
          ece: null,
          reliability: [],
        }
        const density = (mean: number) => Math.exp(-((z - mean) ** 2) / (2 * s ** 2))
        const known = (to * density(m)) / (to * density(m) + (1 - to) * density(0))
        expect(posteriorAt(c, z, to)).toBeCloseTo(known, 9)
      },
    ),
  )
})

test('prior shift agrees with Saerens et al., eq. 4, and is its own inverse', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }),
      fc.double({ min: 1e-4, max: 0.99, noNaN: true }),
      fc.double({ min: 1e-4, max: 0.99, noNaN: true }),
      (p, from, to) => {
        const positive = (p * to) / from
        const negative = ((1 - p) * (1 - to)) / (1 - from)
        expect(shiftPrior(p, from, to)).toBeCloseTo(positive / (positive + negative), 9)
        expect(shiftPrior(shiftPrior(p, from, to), to, from)).toBeCloseTo(p, 6)
      },
    ),
  )
  expect(() => shiftPrior(0.5, 0, 0.1)).toThrow(RangeError)
  expect(fromLogOdds(-800)).toBe(0)
})

test.each([
  [1, 'almost certain'],
  [0.9, 'about 9 in 10'],
  [0.7, 'more likely than not'],
  [0.5, 'about 1 in 2'],
  [1 / 3, 'about 1 in 3'],
  [0.0831, 'about 1 in 12'],
  [1 / 3047, '1 in 3,000'],
  [1 / 1234, '1 in 1,200'],
  [1e-7, 'less than 1 in 100,000'],
  [0, 'less than 1 in 100,000'],
  [NaN, 'unknown'],
])('a posterior of %s is said as "%s"', (p, words) => {
  expect(posteriorInWords(p)).toBe(words)
})
