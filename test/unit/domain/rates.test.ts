// Bounds on rates against SciPy's values and their own definition.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  bagsToBound,
  betaCdf,
  betaQuantile,
  exactInterval,
  mostEvents,
  normalCdf,
  normalQuantile,
  upperBound,
} from '../../../src/domain/rates'

// scipy 1.17.1: scipy.stats.beta.ppf(p, a, b)
test.each([
  [0.5, 0.5, 0.025, 0.001541333133436012],
  [1, 3000, 0.95, 0.0009980790119965865],
  [2, 2999, 0.95, 0.001580301827458731],
  [5, 996, 0.95, 0.009129952563871467],
  [12, 38, 0.025, 0.13342871084229377],
  [12, 38, 0.975, 0.3662430188592764],
  [51, 949, 0.5, 0.05070084537545604],
  [400, 31, 0.975, 0.9504936780599628],
  [1000, 1e6, 0.05, 0.0009476370652793387],
  [3, 999998, 0.95, 6.295780099210489e-6],
  [0.5, 10, 0.025, 5.034472013733436e-5],
])('beta(%d, %d) quantile at %d is SciPy’s', (a, b, p, expected) => {
  expect(betaQuantile(p, a, b) / expected).toBeCloseTo(1, 8)
})

test('the beta quantile inverts its CDF', () => {
  // below 1 the density is infinite at an end, where a double cannot name the quantile; bounds on rates have whole shapes
  const shape = fc.double({ min: 1, max: 5000, noNaN: true })
  fc.assert(
    fc.property(shape, shape, fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }), (a, b, p) => {
      expect(betaCdf(betaQuantile(p, a, b), a, b)).toBeCloseTo(p, 8)
    }),
  )
})

test.each([
  [1e-6, -4.753424308822899],
  [0.001, -3.090232306167813],
  [0.3, -0.5244005127080409],
  [0.975, 1.959963984540054],
])('normal quantile at %d is SciPy’s, and the CDF takes it back', (p, x) => {
  expect(normalQuantile(p)).toBeCloseTo(x, 10)
  expect(normalCdf(x) / p).toBeCloseTo(1, 9)
})

test('the rule of three: no error in 3,000 bags bounds the rate at 0.1 %, and 0.1 % takes 2,995', () => {
  expect(upperBound(0, 3000)).toBeCloseTo(0.001, 5)
  expect(bagsToBound(0.001)).toBe(2995)
  expect(upperBound(0, 2995)).toBeLessThanOrEqual(0.001)
  expect(upperBound(0, 2994)).toBeGreaterThan(0.001)
  expect(upperBound(0, 0), 'nothing seen bounds nothing').toBe(1)
  expect(exactInterval(5, 20)).toEqual([expect.closeTo(0.0866, 4) as number, expect.closeTo(0.491, 4) as number])
})

test('mostEvents is the largest count whose bound keeps to the rate', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20000 }), fc.double({ min: 1e-4, max: 0.3, noNaN: true }), (n, rate) => {
      const k = mostEvents(n, rate)
      if (k >= 0) expect(upperBound(k, n)).toBeLessThanOrEqual(rate)
      if (k + 1 <= n) expect(upperBound(k + 1, n)).toBeGreaterThan(rate)
    }),
    { numRuns: 60 },
  )
})
