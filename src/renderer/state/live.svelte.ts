// What the station says now: connection, status, the newest bags and the alarms that nobody has decided yet.
import { SvelteMap } from 'svelte/reactivity'
import type { Bag } from '../../shared/bag'
import type { StationEvent } from '../../shared/contract'
import type { StationStatus } from '../../shared/status'
import { inWords, within, type Client, type Connection, type Open } from './client'
import { useStationTime } from './time.svelte'
import { needsCare } from './words'

/** Bags kept for the belt; the log has all. */
export const KEPT_BAGS = 200
/** An undecided alarm older than this no longer takes the lane's screen (its bag is not there any more); it is counted beside it. */
export const QUEUE_MS = 30 * 60_000
const HEARTBEAT_MS = 4000
const SILENCE_MS = 8000
const BACKOFF_MS = [250, 500, 1000, 2000, 4000]

export class Live {
  link = $state<'connecting' | 'live' | 'lost'>('connecting')
  /** why the connection is gone, in words */
  why = $state<string | null>(null)
  lostSince = $state<number | null>(null)
  status = $state.raw<StationStatus | null>(null)
  /** newest first, at most KEPT_BAGS */
  bags = $state.raw<readonly Bag[]>([])
  /** every undecided alarm and unscreenable bag, by id; kept apart so that the cap above can't drop one */
  readonly #undecided = new SvelteMap<number, Bag>()
  /** the bag that a person has before them: it stays known however many come after it */
  #pinned: Bag | null = null
  /** undecided alarms that the first search did not carry */
  #moreUndecided = $state(0)
  #client = $state.raw<Client | null>(null)
  readonly #open: Open
  readonly #now: () => number
  #listeners: readonly ((bag: Bag) => void)[] = []
  #policyListeners: readonly (() => void)[] = []
  #stopped = false
  #connection: Connection | null = null

  constructor(open: Open, now: () => number = Date.now) {
    this.#open = open
    this.#now = now
  }

  connected = $derived(this.link === 'live')
  newest = $derived(this.bags[0] ?? null)
  /** undecided alarms and unscreenable bags, in the order in which they became so */
  readonly undecided = $derived(
    [...this.#undecided.values()].sort((a, b) => (a.screenedAt ?? 0) - (b.screenedAt ?? 0) || a.id - b.id),
  )
  /** undecided ones beyond those that are listed */
  readonly unlisted = $derived(this.#moreUndecided)

  /** The client, or an error in words while there is no connection. */
  get client(): Client {
    if (this.#client === null) throw new Error('There is no connection to the station: nothing was saved.')
    return this.#client
  }

  /** Called for every bag that arrives or changes. Returns the way to stop. */
  onBag(listener: (bag: Bag) => void): () => void {
    this.#listeners = [...this.#listeners, listener]
    return () => (this.#listeners = this.#listeners.filter((l) => l !== listener))
  }

  /** Called when a policy was saved by someone, and when there is a connection (again): one may have been missed. Returns the way to stop. */
  onPolicy(listener: () => void): () => void {
    this.#policyListeners = [...this.#policyListeners, listener]
    return () => (this.#policyListeners = this.#policyListeners.filter((l) => l !== listener))
  }
  #tellPolicy(): void {
    for (const listener of this.#policyListeners) listener()
  }

  find(id: number): Bag | null {
    return this.bags.find((b) => b.id === id) ?? this.#undecided.get(id) ?? (this.#pinned?.id === id ? this.#pinned : null)
  }

  /** Keeps a bag known, instead of the one pinned before. */
  pin(bag: Bag | null): void {
    this.#pinned = bag
  }

  /** Stays connected until `stop`: subscribes, takes a snapshot, follows events; on any failure says so and tries again. */
  async run(): Promise<void> {
    for (let attempt = 0; this.#goesOn(); attempt++) {
      try {
        const connection = await this.#open()
        this.#connection = connection
        await this.#follow(connection, () => (attempt = 0))
      } catch (error) {
        this.#lose(inWords(error))
      }
      this.#connection = null
      if (this.#goesOn())
        await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)]))
    }
  }

  #goesOn(): boolean {
    return !this.#stopped
  }

  stop(): void {
    this.#stopped = true
    this.#connection?.close()
  }

  async #follow(connection: Connection, succeeded: () => void): Promise<void> {
    const { client, closed } = connection
    let heartbeat: ReturnType<typeof setInterval> | undefined
    const broken = new Promise<never>((_, reject) => {
      void closed.then((why) => reject(new Error(why)))
      // A hung station closes nothing: ask, and take silence for a lost connection.
      heartbeat = setInterval(
        () => void within(SILENCE_MS, 'heartbeat', client.status()).then((s) => this.#hear(s), reject),
        HEARTBEAT_MS,
      )
    })
    try {
      // First subscribe, then take the snapshot: nothing can fall between the two.
      const events = await Promise.race([within(SILENCE_MS, 'events', client.events()), broken])
      const snapshot = within(
        SILENCE_MS,
        'the newest bags',
        Promise.all([
          client.status(),
          client.bags.recent({ limit: KEPT_BAGS }),
          client.bags.search({ filter: { verdicts: ['alarm', 'unscreenable'], decision: 'none' }, limit: 200 }),
        ]),
      )
      const [status, recent, undecided] = await Promise.race([snapshot, broken])
      this.#client = client
      this.#hear(status)
      this.bags = recent
      this.#undecided.clear()
      for (const bag of [...undecided.bags, ...recent]) this.#file(bag)
      this.#moreUndecided = Math.max(0, undecided.total - undecided.bags.length)
      this.link = 'live'
      this.lostSince = null
      this.why = null
      succeeded()
      for (const bag of this.undecided) this.#tell(bag)
      this.#tellPolicy()
      const consume = async (): Promise<never> => {
        for await (const event of events) this.take(event)
        throw new Error('The station ended its reports.')
      }
      await Promise.race([consume(), broken])
    } finally {
      clearInterval(heartbeat)
      this.#client = null
      connection.close()
    }
  }

  #lose(why: string): void {
    this.link = 'lost'
    this.why = why
    this.lostSince ??= this.#now()
  }

  #hear(status: StationStatus): void {
    useStationTime(status.place)
    this.status = status
  }

  /** Takes one event of the station. */
  take(event: StationEvent): void {
    if (event.type === 'status') this.#hear(event.status)
    else if (event.type === 'policy') this.#tellPolicy()
    else this.update(event.bag)
  }

  /** Takes a bag's new state: an event, or the answer to a decision or a review. */
  update(bag: Bag): void {
    const at = this.bags.findIndex((b) => b.id === bag.id)
    if (at >= 0) this.bags = this.bags.with(at, bag)
    else if (this.bags.length < KEPT_BAGS || bag.id > (this.bags.at(-1)?.id ?? 0))
      this.bags = [...this.bags, bag].sort((a, b) => b.id - a.id).slice(0, KEPT_BAGS)
    if (this.#pinned?.id === bag.id) this.#pinned = bag
    this.#file(bag)
    this.#tell(bag)
  }

  #file(bag: Bag): void {
    if (needsCare(bag) && bag.decision === null) this.#undecided.set(bag.id, bag)
    else this.#undecided.delete(bag.id)
  }

  #tell(bag: Bag): void {
    for (const listener of this.#listeners) listener(bag)
  }
}
