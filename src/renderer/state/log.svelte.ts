// The log of bags: filters (kept in the URL), keyset paging, the bag that is open, and a supervisor's review of it.
import { SvelteSet } from 'svelte/reactivity'
import type { Bag, BagFilter, HistoryEntry } from '../../shared/bag'
import { inWords, within } from './client'
import { LateDecision } from './late-decision.svelte'
import type { Live } from './live.svelte'
import type { Person } from './person.svelte'
import { matches } from '../../domain/bag-filter'
import { ALL, cleaned, filterFrom, FLAGGED, queryOf } from './log-query'
import { spanOf, type NamedPeriod } from './period'
import { Review } from './review.svelte'
import type { Router } from './router.svelte'

export const PAGE = 60
/** More rows than this help nobody: the screen asks for a narrower filter. */
export const MOST_ROWS = 1200
const ANSWER_MS = 15_000

export class Log {
  readonly #live: Live
  readonly #router: Router
  readonly #now: () => number
  readonly review: Review
  readonly late: LateDecision
  filter = $state.raw<BagFilter>({ verdicts: [...FLAGGED] })
  /** the named period that the filter's instants were reckoned from; null where they are a person's own, or there are none */
  period = $state.raw<NamedPeriod | null>(null)
  rows = $state.raw<readonly Bag[]>([])
  total = $state<number | null>(null)
  #next = $state<number | null>(null)
  loading = $state(false)
  error = $state<string | null>(null)
  /** bags that arrived or changed since the list was loaded and would belong on its first page */
  readonly #fresh = new SvelteSet<number>()
  open = $state.raw<Bag | null>(null)
  history = $state.raw<readonly HistoryEntry[] | null>(null)
  historyError = $state<string | null>(null)
  #asked = 0

  constructor(live: Live, person: Person, router: Router, now: () => number = Date.now) {
    this.#live = live
    this.#router = router
    this.#now = now
    this.late = new LateDecision(live, person)
    this.review = new Review(live, person)
    Object.assign(this, filterFrom(router.view === 'log' ? router.query : '', now()))
  }

  readonly fresh = $derived(this.#fresh.size)
  more = $derived(this.#next !== null && this.rows.length < MOST_ROWS)
  full = $derived(this.#next !== null && this.rows.length >= MOST_ROWS)
  openAt = $derived(this.rows.findIndex((b) => b.id === this.open?.id))

  /** Whether a row still belongs to the list: a decision or a review may have taken it out since it was loaded. */
  belongs(bag: Bag): boolean {
    return matches(bag, this.filter)
  }

  /** Changes the filter; instants of a person's own end a named period. */
  set(change: { [K in keyof BagFilter]: BagFilter[K] | undefined }): void {
    if ('from' in change || 'to' in change) this.period = null
    this.#become(cleaned({ ...this.filter, ...change }))
  }

  /** Sets the filter to this and nothing else. */
  only(filter: BagFilter): void {
    this.period = null
    this.#become(filter)
  }

  reset(): void {
    this.only({ verdicts: [...FLAGGED] })
  }

  /** A span that moves with the clock, or any time. */
  during(period: NamedPeriod | null): void {
    this.period = period
    this.#become(this.#within(this.filter))
  }

  /** The filter with the named period's instants as they are now. */
  #within(filter: BagFilter): BagFilter {
    const span = this.period === null ? {} : spanOf(this.period, this.#now())
    return cleaned({ ...filter, from: undefined, to: undefined, ...span })
  }

  #become(filter: BagFilter): void {
    this.filter = filter
    this.#say()
    void this.reload()
  }

  /** Writes filter and open bag into the URL. */
  #say(): void {
    this.#router.go('log', this.open?.id ?? null, queryOf(this))
  }

  #close(): void {
    this.open = null
    this.history = null
    this.review.turnTo(null)
    this.late.reset()
    this.#say()
  }

  async reload(): Promise<void> {
    this.#fresh.clear()
    if (this.period !== null) this.filter = this.#within(this.filter)
    if (this.open !== null && !this.belongs(this.open)) this.#close()
    await this.#load(undefined)
    const wanted = this.#router.bag
    if (wanted !== null && this.open?.id !== wanted) await this.find(wanted)
    else if (this.open === null && this.rows[0] !== undefined) await this.show(this.rows[0].id)
  }

  /** Opens a bag from elsewhere, e.g. a link: the filter gives way where the bag lies outside it. */
  async find(id: number): Promise<void> {
    await this.show(id)
    if (this.open?.id !== id || this.belongs(this.open)) return
    this.period = null
    this.filter = { verdicts: [...ALL] }
    this.#say()
    await this.#load(undefined)
  }

  async loadMore(): Promise<void> {
    if (this.more && !this.loading && this.#next !== null) await this.#load(this.#next)
  }

  async #load(before: number | undefined): Promise<void> {
    const ticket = ++this.#asked
    this.loading = true
    this.error = null
    try {
      const page = await within(
        ANSWER_MS,
        'the log',
        this.#live.client.bags.search({ filter: this.filter, limit: PAGE, ...(before === undefined ? {} : { before }) }),
      )
      if (ticket !== this.#asked) return // a newer question overtook this answer
      this.rows = before === undefined ? page.bags : [...this.rows, ...page.bags]
      this.total = page.total
      this.#next = page.next
    } catch (error) {
      if (ticket === this.#asked) this.error = inWords(error)
    } finally {
      if (ticket === this.#asked) this.loading = false
    }
  }

  async show(id: number): Promise<void> {
    this.review.turnTo(id)
    this.late.reset()
    this.history = null
    this.open = this.rows.find((b) => b.id === id) ?? this.#live.find(id) ?? null
    this.#router.go('log', id, queryOf(this))
    try {
      const bag = await within(ANSWER_MS, 'the bag', this.#live.client.bags.get({ id }))
      if (this.#router.bag === id) this.open = bag
    } catch (error) {
      this.error = inWords(error)
    }
    await this.#loadHistory(id)
  }

  async #loadHistory(id: number): Promise<void> {
    this.historyError = null
    try {
      const history = await within(ANSWER_MS, 'the history', this.#live.client.bags.history({ id }))
      if (this.open?.id === id) this.history = history
    } catch (error) {
      this.historyError = inWords(error)
    }
  }

  /** To the next or the previous bag of the list; loads more at its end. */
  async step(by: 1 | -1): Promise<void> {
    const at = this.openAt < 0 ? (by > 0 ? -1 : this.rows.length) : this.openAt
    if (at + by >= this.rows.length) await this.loadMore()
    const next = this.rows[at + by]
    if (next !== undefined) await this.show(next.id)
  }

  /** Takes a bag's new state where it is shown; counts what a reload would bring. */
  changed(bag: Bag): void {
    const at = this.rows.findIndex((b) => b.id === bag.id)
    if (at >= 0) this.rows = this.rows.with(at, bag)
    else if (this.belongs(bag) && bag.id > (this.rows[0]?.id ?? 0)) this.#fresh.add(bag.id)
    if (this.open?.id === bag.id) {
      const happened = bag.decision?.at !== this.open.decision?.at || bag.outcome?.at !== this.open.outcome?.at
      this.open = bag
      if (happened) void this.#loadHistory(bag.id)
    }
  }
}
