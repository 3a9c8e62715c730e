// Fan-out of station events: each subscriber has a bounded queue of its own, so that a slow window slows nobody.
import type { StationEvent } from '../../shared/contract'

/** Events that may wait for one subscriber. A bag's newer state replaces its older one, so this many different bags. */
const QUEUE_LIMIT = 500

/** What a newer event replaces. */
const keyOf = (event: StationEvent): string => (event.type === 'bag' ? `bag:${event.bag.id}` : event.type)
/** What may be dropped first when a subscriber does not keep up: it finds these bags in the log anyway. */
const isQuiet = (event: StationEvent): boolean =>
  event.type === 'bag' && (event.bag.verdict === 'clear' || event.bag.verdict === null) && event.bag.decision === null

class Subscriber {
  readonly #waiting = new Map<string, StationEvent>()
  #wake: (() => void) | null = null
  #ended = false

  push(event: StationEvent): void {
    const key = keyOf(event)
    this.#waiting.delete(key)
    this.#waiting.set(key, event)
    if (this.#waiting.size > QUEUE_LIMIT) {
      const quiet = [...this.#waiting].find(([, waiting]) => isQuiet(waiting))?.[0] ?? this.#waiting.keys().next().value
      if (quiet !== undefined) this.#waiting.delete(quiet)
    }
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *events(): AsyncGenerator<StationEvent, void, undefined> {
    for (;;) {
      const next = this.#waiting.entries().next().value
      if (next) {
        this.#waiting.delete(next[0])
        yield next[1]
      } else if (this.#ended) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

export class Events {
  readonly #subscribers = new Set<Subscriber>()
  #closed = false

  get audience(): number {
    return this.#subscribers.size
  }

  emit(event: StationEvent): void {
    for (const subscriber of this.#subscribers) subscriber.push(event)
  }

  /** From now on, after what `first` gives. Ends when `signal` aborts, the caller returns, or the fan-out closes. */
  async *subscribe(first: () => Promise<StationEvent>, signal?: AbortSignal): AsyncGenerator<StationEvent, void, undefined> {
    const subscriber = new Subscriber()
    const end = (): void => subscriber.end()
    this.#subscribers.add(subscriber)
    signal?.addEventListener('abort', end)
    if (this.#closed || signal?.aborted) subscriber.end()
    try {
      yield await first()
      yield* subscriber.events()
    } finally {
      this.#subscribers.delete(subscriber)
      signal?.removeEventListener('abort', end)
    }
  }

  close(): void {
    this.#closed = true
    for (const subscriber of this.#subscribers) subscriber.end()
  }
}
