// What the Alarms screen draws of a sample: histograms of scores, and the operating curve with its bounds.
import type { ThreatClass } from '../shared/classes'
import type { ClassScores } from '../shared/alarms'
import { wilson } from './metrics'
import { exactInterval, upperBound } from './rates'
import type { Sample } from './scores'

const BINS = 64
/** Most points of a curve: enough for a line 1,000 pixels long. */
const POINTS = 240

/** Benign bags and bags with the class, in bins of equal width over both; all zero where the sample is empty. */
export function histogramOf(sample: Sample, c: ThreatClass, bins = BINS): ClassScores['histogram'] {
  const benign = sample.benign.map((z) => z[c])
  const positive = sample.positives[c].map((z) => z[c])
  const all = [...benign, ...positive]
  const low = all.length ? all.reduce((a, b) => Math.min(a, b)) : -1
  const high = all.length ? all.reduce((a, b) => Math.max(a, b)) : 1
  const width = (high - low || 1) / bins
  const edges = Array.from({ length: bins + 1 }, (_, i) => low + i * width)
  const count = (values: number[]): number[] => {
    const counts = new Array<number>(bins).fill(0)
    for (const v of values) {
      const bin = Math.min(bins - 1, Math.floor((v - low) / width))
      counts[bin] = (counts[bin] ?? 0) + 1
    }
    return counts
  }
  return { edges, benign: count(benign), positive: count(positive) }
}

/**
 * False-alarm rate and recall over thresholds, from none to all, with 95 % intervals (Clopper–Pearson, Wilson); PPV at `prevalence` and the
 * bound of the false-alarm rate. Empty where benign or threat bags are missing.
 */
export function operatingCurve(sample: Sample, c: ThreatClass, prevalence: number): ClassScores['curve'] {
  const benign = sample.benign.map((z) => z[c]).sort((a, b) => b - a)
  const positive = sample.positives[c].map((z) => z[c]).sort((a, b) => b - a)
  const [n, m] = [benign.length, positive.length]
  if (n === 0 || m === 0) return []
  const thresholds = thin(
    [...new Set([...benign, ...positive])].sort((a, b) => b - a),
    benign,
  )
  let [k, hits] = [0, 0]
  return thresholds.map((threshold) => {
    while (k < n && (benign[k] ?? NaN) >= threshold) k++
    while (hits < m && (positive[hits] ?? NaN) >= threshold) hits++
    const recall = hits / m
    const bound = upperBound(k, n)
    const alarms = prevalence * recall + (1 - prevalence) * bound
    return {
      threshold,
      falseAlarmRate: k / n,
      falseAlarmInterval: exactInterval(k, n),
      recall,
      recallInterval: wilson(hits, m).map((v) => Math.min(1, Math.max(0, v))) as [number, number],
      ppv: alarms > 0 ? (prevalence * recall) / alarms : null,
    }
  })
}

/** Keeps every threshold in the benign tail, where the operating points lie, and thins the bulk. */
function thin(descending: number[], benign: readonly number[]): number[] {
  if (descending.length <= POINTS) return descending
  const tail = benign[Math.min(benign.length - 1, Math.floor(POINTS / 6))] ?? Infinity
  const kept = descending.filter((t) => t >= tail).slice(-POINTS / 2)
  const above = descending.filter((t) => t >= tail).slice(0, -POINTS / 2)
  const below = descending.filter((t) => t < tail)
  const every = (list: number[], most: number): number[] =>
    list.filter((_, i) => i % Math.max(1, Math.ceil(list.length / most)) === 0)
  return [...every(above, POINTS / 4), ...kept, ...every(below, POINTS / 4), ...descending.slice(-1)]
}
