// How five classes share one false-alarm budget: the promise is on the bag, so one number a bag decides, and its order statistics bound it.
//
// Each class's benign scores are measured from their median in units of their upper spread (80th percentile − median), so that equal excess u
// means about equal false-alarm rate whatever the class's scale. A bag's *height* is the largest u of its classes; "some class alarms" is
// "height ≥ level". Only the sharing rests on the units: the promise comes from the heights' order statistics, whatever their distribution.
// The units must come from the bulk: drawn from the tail they follow the sample's extremes, and the 95 % bound held in 88 of 100 simulated
// calibrations only (300 bags; mean excess over the 80th percentile).
import { mapClasses, THREAT_CLASSES, type PerClass } from '../shared/classes'
import { mostEvents } from './rates'
import { UnusableSample } from './scores'

export interface TailScale {
  /** median of benign fused logits */
  at: number
  /** 80th percentile − median, logits, > 0 */
  scale: number
}
const FROM = 0.5
const TO = 0.8

/** Each class's units, from benign bags. Throws UnusableSample where a class's scores have no width. */
export function tailScales(benign: readonly PerClass<number>[]): PerClass<TailScale> {
  if (benign.length === 0) throw new UnusableSample('There is no benign bag in the sample, so no budget can be shared.')
  return mapClasses((c) => {
    const sorted = benign.map((z) => z[c]).sort((a, b) => a - b)
    const quantile = (q: number): number => sorted[Math.floor(q * (sorted.length - 1))] ?? NaN
    const at = quantile(FROM)
    const scale = quantile(TO) - at
    if (!(scale > 0)) throw new UnusableSample(`Too many benign bags have the same ${c} score, so no threshold can part them.`)
    return { at, scale }
  })
}

/** A bag's height: the largest of its classes' excesses. */
export function heightOf(fused: PerClass<number>, scales: PerClass<TailScale>): number {
  return Math.max(...THREAT_CLASSES.map((c) => (fused[c] - scales[c].at) / scales[c].scale))
}

/** The classes' thresholds (fused logits) at a level of height. */
export function thresholdsAt(level: number, scales: PerClass<TailScale>): PerClass<number> {
  return mapClasses((c) => above(scales[c].at + level * scales[c].scale))
}

/** A hair above a value: the next score up reaches it, the value itself (and its rounding) does not. */
export function above(value: number): number {
  return value + 1e-9 * Math.max(1, Math.abs(value))
}

/**
 * The threshold just above the (k+1)-th highest benign value, k the most alarms that n bags allow under `rate` at 95 % (`mostEvents`): k
 * depends on n and the rate alone, so F̄(threshold) ≤ F̄(X₍n−k₎) ~ Beta(k+1, n−k), whose 95 % quantile is the Clopper–Pearson bound for k.
 * Choosing the threshold on the sample costs nothing then. `supported` is false where n is too small for `rate` even without an alarm;
 * the threshold then lies just above the highest benign value, the strictest that the sample can tell of.
 */
export function budgetThreshold(benign: readonly number[], rate: number): { threshold: number; supported: boolean } {
  if (benign.length === 0) throw new UnusableSample('There is no benign bag in the sample, so no budget can be kept.')
  const sorted = [...benign].sort((a, b) => b - a)
  const k = mostEvents(sorted.length, rate)
  const value = sorted[Math.max(0, Math.min(k, sorted.length - 1))] ?? NaN
  return { threshold: above(value), supported: k >= 0 }
}
