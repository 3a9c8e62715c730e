// Bags that the failing database could not take: shown as unscreenable at once, written down when it works again.
import type { Bag } from '../../shared/bag'
import type { BagLog, ContentKey, ScreenedRecord } from './ports'

interface Arrival {
  lane: string
  path: string
  content: ContentKey
  kept: boolean
  receivedAt: number
}
interface UnloggedBag {
  bag: Bag
  arrival: Arrival
  record: ScreenedRecord
}
/** Ids of bags without a row: above any that the database gives. */
const FIRST_ID = 2 ** 52
/** More than this many are kept only on disk: a restart finds their files in the feed's folder again. */
const LIMIT = 5000

export class Unlogged {
  readonly #bags = new Map<number, UnloggedBag>()
  /** the id that stood in → the id of the row it got */
  readonly #real = new Map<number, number>()
  /** verdicts that could not be written, by the id of their row */
  readonly #unwritten = new Map<number, ScreenedRecord>()
  #next = FIRST_ID

  get empty(): boolean {
    return this.#bags.size === 0 && this.#unwritten.size === 0
  }

  /** A bag that got no row. */
  arrived(arrival: Arrival, record: ScreenedRecord, fileName: string): Bag {
    const { lane, path, content, kept, receivedAt } = arrival
    const bag: Bag = {
      id: this.#next++,
      lane,
      path,
      fileName,
      sha256: 'sha256' in content ? content.sha256 : null,
      receivedAt,
      screenedAt: record.screenedAt,
      width: null,
      height: null,
      verdict: record.verdict,
      reason: record.reason,
      classes: null,
      model: null,
      policy: null,
      provider: null,
      ms: null,
      decision: null,
      outcome: null,
      hasScan: false,
      hasHeatmap: false,
    }
    this.#bags.set(bag.id, { bag, arrival: { lane, path, content, kept, receivedAt }, record })
    const oldest = this.#bags.keys().next().value
    if (this.#bags.size > LIMIT && oldest !== undefined) this.#bags.delete(oldest)
    return bag
  }

  /** A row that could not get its verdict. */
  unwritten(id: number, record: ScreenedRecord): void {
    this.#unwritten.set(id, record)
  }

  /** The id of the row, for a bag that has got one since. */
  idOf(id: number): number {
    return this.#real.get(id) ?? id
  }

  get(id: number): Bag | null {
    return this.#bags.get(id)?.bag ?? null
  }

  /** The bag as the screens must see it while its verdict is unwritten. */
  overlay(bag: Bag): Bag {
    const record = bag.verdict === null ? this.#unwritten.get(bag.id) : undefined
    return record ? { ...bag, verdict: record.verdict, reason: record.reason, screenedAt: record.screenedAt } : bag
  }

  /** Newest first. */
  bags(): Bag[] {
    return [...this.#bags.values()].map(({ bag }) => bag).reverse()
  }

  /** Writes down what waits; throws at the first that fails again. Yields the bags that are in the log now. */
  *write(log: Pick<BagLog, 'receive' | 'finish'>): Generator<Bag, void, undefined> {
    for (const [id, { arrival, record }] of this.#bags) {
      const row = log.receive(arrival)
      const bag = log.finish(row.id, record)
      this.#bags.delete(id)
      this.#real.set(id, row.id)
      yield bag
    }
    for (const [id, record] of this.#unwritten) {
      const bag = log.finish(id, record)
      this.#unwritten.delete(id)
      yield bag
    }
  }
}
