// Average precision, ROC area and pointing accuracy with bootstrap intervals over groups: training/lanescope/measure/ in TypeScript.
//
// The two agree to 1e-6 on the same scores, intervals included (test/fixtures/metrics/). Labels follow the project's one code
// (docs/MODEL_CONTRACT.md): 1 present, 0 absent, -1 unknown or difficult (left out for that class).

/** What VOC's average precision is taken to be; the paper (5.1) names VOC without the year. */
export type Protocol = 'voc-all' | 'voc-11' | 'step'
export type Label = 1 | 0 | -1

/** A figure with its 95 % bootstrap interval; NaN where the sample does not define it. For pointing, positives are hits, negatives misses. */
export interface Estimate {
  value: number
  low: number
  high: number
  positives: number
  negatives: number
  groups: number
}

export interface BootstrapOptions {
  /** A key a sample (bag, twin pair): samples of one group are drawn together. Each sample its own where left out. */
  groups?: readonly string[] | undefined
  replicates?: number | undefined
  seed?: number | undefined
}

export const DEFAULT_PROTOCOL: Protocol = 'voc-all'
export const DEFAULT_REPLICATES = 1000

/** One class's samples sorted by score, ready for many sets of weights. */
class Ranking {
  /** Indices of the samples whose label is known, best score first. */
  private readonly kept: readonly number[]
  private readonly positive: readonly boolean[]
  /** Whether the ranked sample is the last of a run of equal scores, i.e. a threshold. */
  private readonly ends: readonly boolean[]

  constructor(scores: readonly number[], labels: readonly Label[]) {
    if (scores.length !== labels.length) throw new RangeError(`${scores.length} scores for ${labels.length} labels`)
    const score = (i: number): number => at(scores, i)
    const kept = labels.flatMap((label, i) => (label === -1 ? [] : [i]))
    if (kept.some((i) => Number.isNaN(score(i))))
      throw new RangeError('a score is NaN: a scan that could not be scored has no place in a ranking')
    kept.sort((a, b) => (score(b) > score(a) ? 1 : score(b) < score(a) ? -1 : 0)) // by comparison: a difference of infinities is NaN
    this.kept = kept
    this.positive = kept.map((i) => labels[i] === 1)
    this.ends = kept.map((i, k) => k + 1 === kept.length || score(at(kept, k + 1)) !== score(i))
  }

  /** Weighted counts (true, false) of everything at or above each threshold. */
  private counts(weights: Weights): { true: number[]; false: number[] } {
    const out = { true: [] as number[], false: [] as number[] }
    let hits = 0
    let misses = 0
    for (const [k, i] of this.kept.entries()) {
      if (this.positive[k]) hits += weights(i)
      else misses += weights(i)
      if (this.ends[k]) {
        out.true.push(hits)
        out.false.push(misses)
      }
    }
    return out
  }

  averagePrecision(weights: Weights, protocol: Protocol): number {
    const counts = this.counts(weights)
    const total = counts.true.at(-1) ?? 0
    if (total === 0) return NaN
    const recall = counts.true.map((t) => t / total)
    const precision = counts.true.map((t, k) => (t + at(counts.false, k) > 0 ? t / (t + at(counts.false, k)) : 0))
    if (protocol === 'voc-11') {
      let sum = 0
      for (let p = 0; p <= 10; p++) {
        let best = 0
        for (const [k, r] of recall.entries()) if (r >= p / 10) best = Math.max(best, at(precision, k))
        sum += best
      }
      return sum / 11
    }
    if (protocol === 'voc-all')
      for (let k = precision.length - 2; k >= 0; k--) precision[k] = Math.max(at(precision, k), at(precision, k + 1))
    let area = 0
    for (const [k, r] of recall.entries()) area += (r - (k > 0 ? at(recall, k - 1) : 0)) * at(precision, k)
    return area
  }

  rocAuc(weights: Weights): number {
    const counts = this.counts(weights)
    const hits = counts.true.at(-1) ?? 0
    const misses = counts.false.at(-1) ?? 0
    if (hits * misses === 0) return NaN
    let pairs = 0
    for (const [k, t] of counts.true.entries()) {
      const falseHere = at(counts.false, k)
      const tied = falseHere - (k > 0 ? at(counts.false, k - 1) : 0)
      pairs += (t - (k > 0 ? at(counts.true, k - 1) : 0)) * (misses - falseHere + tied / 2)
    }
    return pairs / (hits * misses)
  }
}

/** How often sample i counts. */
type Weights = (i: number) => number
const once: Weights = () => 1

/** Average precision of one class; equal scores share a threshold. NaN without a positive; throws RangeError on a NaN score. */
export function averagePrecision(
  scores: readonly number[],
  labels: readonly Label[],
  protocol: Protocol = DEFAULT_PROTOCOL,
): number {
  return new Ranking(scores, labels).averagePrecision(once, protocol)
}

/** Area under the ROC curve, ties counted half; NaN where one class is missing. */
export function rocAuc(scores: readonly number[], labels: readonly Label[]): number {
  return new Ranking(scores, labels).rocAuc(once)
}

/** Mulberry32 (public domain, T. Ettinger): the bootstrap's stream of uint32, the same as in Python. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
}

/** Values of `statistic` on samples redrawn by group (Efron's bootstrap over clusters). */
export function bootstrap<T>(statistic: (weights: Weights) => T, n: number, options: BootstrapOptions = {}): T[] {
  const { index, count } = groupIndex(options.groups, n)
  const next = mulberry32(options.seed ?? 0)
  const times = new Uint32Array(count)
  const values: T[] = []
  for (let b = 0; b < (options.replicates ?? DEFAULT_REPLICATES); b++) {
    times.fill(0)
    for (let g = 0; g < count; g++) {
      const drawn = Math.floor((next() / 2 ** 32) * count)
      times[drawn] = (times[drawn] ?? 0) + 1
    }
    values.push(statistic((i) => times[index[i] ?? 0] ?? 0))
  }
  return values
}

function groupIndex(groups: readonly string[] | undefined, n: number): { index: Uint32Array; count: number } {
  if (!groups) return { index: Uint32Array.from({ length: n }, (_, i) => i), count: n }
  if (groups.length !== n) throw new RangeError(`${groups.length} groups for ${n} samples`)
  const seen = new Map<string, number>()
  const index = Uint32Array.from(groups, (g) => {
    const known = seen.get(g) ?? seen.size
    seen.set(g, known)
    return known
  })
  return { index, count: seen.size }
}

/** Percentile interval of bootstrap values; undefined replicates (NaN) left out, linear interpolation between ranks. */
export function interval(values: readonly number[], level = 0.95): [low: number, high: number] {
  const good = values.filter((v) => !Number.isNaN(v)).sort((a, b) => a - b)
  if (good.length === 0) return [NaN, NaN]
  const quantile = (q: number): number => {
    const rank = q * (good.length - 1)
    const low = Math.floor(rank)
    const below = at(good, low)
    return below + (at(good, Math.min(low + 1, good.length - 1)) - below) * (rank - low)
  }
  return [quantile((1 - level) / 2), quantile((1 + level) / 2)]
}

/** Wilson's 95 % score interval of a proportion: stands in where the bootstrap of all-hit or all-miss has no width. */
export function wilson(hits: number, n: number, z = 1.959963984540054): [low: number, high: number] {
  if (n === 0) return [NaN, NaN]
  const p = hits / n
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n)
  const half = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n)
  return [Math.max(0, centre - half), Math.min(1, centre + half)]
}

/** ROC area with its interval. */
export function aucEstimate(scores: readonly number[], labels: readonly Label[], options: BootstrapOptions = {}): Estimate {
  const ranking = new Ranking(scores, labels)
  const value = ranking.rocAuc(once)
  const [low, high] = Number.isNaN(value) ? [NaN, NaN] : interval(bootstrap((w) => ranking.rocAuc(w), labels.length, options))
  return { value, low, high, ...tally(labels, options.groups) }
}

/**
 * Average precision a class and their mean, like the paper's Table 2. `scores` and `labels` are one row a scan, one column a class.
 * All classes share the replicates, so the mean's interval is that of the mean; classes without a positive are left out of it.
 */
export function classificationTable(
  scores: readonly (readonly number[])[],
  labels: readonly (readonly Label[])[],
  classes: readonly string[],
  options: BootstrapOptions & { protocol?: Protocol | undefined } = {},
): Record<string, Estimate> {
  const protocol = options.protocol ?? DEFAULT_PROTOCOL
  const rankings = classes.map((_, c) => new Ranking(column(scores, c), column(labels, c)))
  const values = rankings.map((r) => r.averagePrecision(once, protocol))
  const draws = bootstrap((w) => rankings.map((r) => r.averagePrecision(w, protocol)), scores.length, options)
  return table(values, draws, labels, classes, options.groups)
}

/** Pointing accuracy a class and mean (5.3): 1 the peak lies in a box of the class, 0 it does not, -1 no box of that class. */
export function pointingTable(
  hits: readonly (readonly Label[])[],
  classes: readonly string[],
  options: BootstrapOptions = {},
): Record<string, Estimate> {
  const rates = (w: Weights): number[] =>
    classes.map((_, c) => {
      let hit = 0
      let known = 0
      for (const [i, row] of hits.entries()) {
        if (row[c] === 1) hit += w(i)
        if (row[c] !== -1) known += w(i)
      }
      return known > 0 ? hit / known : NaN
    })
  const result = table(rates(once), bootstrap(rates, hits.length, options), hits, classes, options.groups)
  for (const name of classes) {
    const e = result[name]
    const n = e ? e.positives + e.negatives : 0
    if (e && n > 0 && (e.positives === 0 || e.negatives === 0)) [e.low, e.high] = wilson(e.positives, n)
  }
  return result
}

function table(
  values: readonly number[],
  draws: readonly (readonly number[])[],
  labels: readonly (readonly Label[])[],
  classes: readonly string[],
  groups: readonly string[] | undefined,
): Record<string, Estimate> {
  const result: Record<string, Estimate> = {}
  for (const [c, name] of classes.entries()) {
    const value = at(values, c)
    const [low, high] = Number.isNaN(value) ? [NaN, NaN] : interval(column(draws, c))
    result[name] = { value, low, high, ...tally(column(labels, c), groups) }
  }
  const defined = classes.flatMap((_, c) => (Number.isNaN(at(values, c)) ? [] : [c]))
  const each = classes.map((name) => result[name])
  const [low, high] = interval(draws.map((row) => mean(defined.map((c) => at(row, c)))))
  result['mean'] = {
    value: mean(defined.map((c) => at(values, c))),
    low,
    high,
    positives: each.reduce((sum, e) => sum + (e?.positives ?? 0), 0),
    negatives: each.reduce((sum, e) => sum + (e?.negatives ?? 0), 0),
    groups: tally(
      labels.map((row) => (row.some((l) => l !== -1) ? 1 : -1)),
      groups,
    ).groups,
  }
  return result
}

function tally(
  labels: readonly Label[],
  groups: readonly string[] | undefined,
): Pick<Estimate, 'positives' | 'negatives' | 'groups'> {
  const positives = labels.filter((l) => l === 1).length
  const negatives = labels.filter((l) => l === 0).length
  const named = groups ? new Set(groups.filter((_, i) => labels[i] !== -1)).size : positives + negatives
  return { positives, negatives, groups: named }
}

/** Mean of what is defined; NaN where nothing is. */
function mean(values: readonly number[]): number {
  const good = values.filter((v) => !Number.isNaN(v))
  return good.length ? good.reduce((a, b) => a + b, 0) / good.length : NaN
}

function column<T>(rows: readonly (readonly T[])[], c: number): T[] {
  return rows.map((row) => at(row, c))
}

/** The element, or a RangeError where a row is too short: never a silent undefined in a figure. */
function at<T>(values: readonly T[], i: number): T {
  const value = values[i]
  if (value === undefined) throw new RangeError(`no element ${i} of ${values.length}`)
  return value
}
