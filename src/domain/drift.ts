// Watching a stream: cumulative sums with a known false-signal rate, and distances between distributions.

/** Bags between two false signals of one watch on a steady lane, about: a year at 300 bags an hour is 600,000 in 200-hour months. */
export const BAGS_TO_FALSE_SIGNAL = 1_000_000

/**
 * CUSUM of a yes/no stream against a rise from `expected` to `raised` (Reynolds & Stoumbos 1999, doi 10.1080/00224065.1999.11979900): sums the
 * log-likelihood ratio, never below 0, and signals above `limit`. The mean distance between false signals is about e^limit / D(expected ‖ raised).
 */
export class RateCusum {
  sum = 0
  readonly limit: number
  /** bags after which the raised rate signals, on average */
  readonly delay: number
  readonly #yes: number
  readonly #no: number

  constructor(
    readonly expected: number,
    readonly raised: number,
    between = BAGS_TO_FALSE_SIGNAL,
  ) {
    if (!(expected > 0 && raised > expected && raised < 1)) throw new RangeError(`no rise from ${expected} to ${raised}`)
    this.#yes = Math.log(raised / expected)
    this.#no = Math.log((1 - raised) / (1 - expected))
    const before = -(expected * this.#yes + (1 - expected) * this.#no)
    const after = raised * this.#yes + (1 - raised) * this.#no
    this.limit = Math.max(1, Math.log(between * before))
    this.delay = this.limit / after
  }

  add(yes: boolean): void {
    // capped at twice the limit, so that a lane that has recovered is soon steady again
    this.sum = Math.min(2 * this.limit, Math.max(0, this.sum + (yes ? this.#yes : this.#no)))
  }
  get signals(): boolean {
    return this.sum >= this.limit
  }
}

/**
 * Two-sided CUSUM of a mean (Page 1954), in standard deviations: shifts below `slack` never add up. In-control run length about
 * e^(2·slack·limit) / (2·slack²) for normal values; the limit is set for that.
 */
export class MeanCusum {
  up = 0
  down = 0
  readonly limit: number

  constructor(
    readonly mean: number,
    readonly sd: number,
    readonly slack = 0.35,
    between = BAGS_TO_FALSE_SIGNAL,
  ) {
    if (!(sd > 0)) throw new RangeError('a quantity without spread cannot be watched')
    this.limit = Math.log(2 * slack * slack * between) / (2 * slack)
  }

  add(value: number): void {
    // one odd bag (a wallet, a surfboard) is no drift
    const z = Math.max(-3, Math.min(3, (value - this.mean) / this.sd))
    this.up = Math.min(2 * this.limit, Math.max(0, this.up + z - this.slack))
    this.down = Math.min(2 * this.limit, Math.max(0, this.down - z - this.slack))
  }
  get signals(): boolean {
    return this.up >= this.limit || this.down >= this.limit
  }
}

/** Largest distance between two samples' distribution functions (Kolmogorov–Smirnov), both sorted ascending. */
export function ksDistance(a: readonly number[], b: readonly number[]): number {
  let [i, j, distance] = [0, 0, 0]
  while (i < a.length && j < b.length) {
    const x = a[i] ?? NaN
    const y = b[j] ?? NaN
    const at = Math.min(x, y)
    while (i < a.length && (a[i] ?? NaN) <= at) i++
    while (j < b.length && (b[j] ?? NaN) <= at) j++
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length))
  }
  return distance
}

/** Distance that two samples of one distribution exceed with probability `alpha` (Smirnov's asymptotic limit). */
export function ksLimit(n: number, m: number, alpha: number): number {
  return Math.sqrt((-Math.log(alpha / 2) / 2) * ((n + m) / (n * m)))
}

/** Population stability index over `bins` equal-count bins of the reference; half a count is added to each bin. Both sorted ascending. */
export function stabilityIndex(reference: readonly number[], now: readonly number[], bins = 10): number {
  const edges = Array.from({ length: bins - 1 }, (_, i) => reference[Math.floor(((i + 1) * reference.length) / bins)] ?? NaN)
  const shares = (sample: readonly number[]): number[] => {
    const counts = new Array<number>(bins).fill(0.5)
    for (const x of sample) {
      const bin = edges.filter((e) => x >= e).length
      counts[bin] = (counts[bin] ?? 0) + 1
    }
    return counts.map((c) => c / (sample.length + bins / 2))
  }
  const p = shares(reference)
  const q = shares(now)
  return p.reduce((sum, share, i) => sum + ((q[i] ?? NaN) - share) * Math.log((q[i] ?? NaN) / share), 0)
}
