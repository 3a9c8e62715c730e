// A quantile sketch of scores that never forgets its tail: DDSketch's logarithmic mapping (Masson, Rim & Lee, VLDB 2019,
// doi 10.14778/3352063.3352135) taken of the odds, which on the logit is a histogram of fixed width.
//
// A relative error of 1 % of the odds is an absolute one of 0.01 logits, everywhere: counts in the far upper tail stay exact to a bin. Own code
// (30 lines): @datadog/sketches-js would take exp and log of every score and needs protobufjs to be written down.

export interface SketchState {
  width: number
  bins: [bin: number, count: number][]
}

export class Sketch {
  readonly #bins: Map<number, number>
  #count = 0

  /** `width`: a bin's width, logits */
  constructor(
    readonly width = 0.02,
    bins: Iterable<[number, number]> = [],
  ) {
    this.#bins = new Map(bins)
    for (const n of this.#bins.values()) this.#count += n
  }

  get count(): number {
    return this.#count
  }

  /** Counts a score `times` times; negative takes it back. A score that is not finite is a RangeError. */
  add(z: number, times = 1): void {
    if (!Number.isFinite(z)) throw new RangeError(`a score of ${z} has no place in a sketch`)
    const bin = Math.floor(z / this.width)
    const n = (this.#bins.get(bin) ?? 0) + times
    if (n > 0) this.#bins.set(bin, n)
    else this.#bins.delete(bin)
    this.#count += times
  }

  /** Scores at or above `z`; those of its bin all count, so it is at most too many by a bin. */
  countFrom(z: number): number {
    const from = Math.floor(z / this.width)
    let n = 0
    for (const [bin, count] of this.#bins) if (bin >= from) n += count
    return n
  }

  /** The lowest bin edge with at most `k` scores at or above it; the top edge of all where k is 0; null when empty. */
  edgeFor(k: number): number | null {
    let above = 0
    let edge: number | null = null
    for (const [bin, count] of [...this.#bins].sort(([a], [b]) => b - a)) {
      above += count
      if (above > k) return (bin + 1) * this.width
      edge = bin
    }
    return edge === null ? null : edge * this.width
  }

  state(): SketchState {
    return { width: this.width, bins: [...this.#bins].sort(([a], [b]) => a - b) }
  }
  copy(): Sketch {
    return new Sketch(this.width, this.#bins)
  }
}
