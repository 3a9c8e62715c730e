// Small pictures of belt and log: fetched a few at a time, the latest wanted first, given up when they scroll away, kept once they are here.
//
// Why not plain <img>: a browser opens six connections to a host. Two hundred thumbnails in a queue then keep the picture of the current
// alarm waiting behind them.
import { SvelteMap } from 'svelte/reactivity'
import { PATHS } from '../../shared/bridge'

/** Fetches at a time: most of the connections stay free for the bag on the screen. */
const AT_A_TIME = 2
const KEPT = 400
/** A picture that could not be had is asked for again after this, then after twice as long, …: the process that makes it may have been restarting. */
const AGAIN_MS = 4000
const AGAIN_MOST_MS = 300_000

type Fetch = (url: string, signal: AbortSignal) => Promise<Blob | null>

/** A picture's bytes; null where there is none. Rejects when the station does not answer, or when it was given up. */
async function fetchPicture(url: string, signal: AbortSignal): Promise<Blob | null> {
  const response = await fetch(url, { signal })
  return response.ok ? response.blob() : null
}

export class Thumbs {
  readonly #fetch: Fetch
  /** object URLs by bag, oldest first; null: there is no picture */
  readonly #here = new SvelteMap<number, string | null>()
  /** bags whose picture is wanted and not yet asked for, by how many want it; the last is served first */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- bookkeeping, nothing of it is shown
  readonly #wanted = new Map<number, number>()
  /** how often a picture could not be had, and whether it is time to ask again */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- bookkeeping, nothing of it is shown
  readonly #missed = new Map<number, { times: number; again: boolean }>()
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- bookkeeping, nothing of it is shown
  readonly #running = new Map<number, AbortController>()

  constructor(fetch: Fetch = fetchPicture) {
    this.#fetch = fetch
  }

  /** An object URL; null where the bag has no picture; undefined while it is not known. */
  of(id: number): string | null | undefined {
    return this.#here.get(id)
  }

  /** Wants a bag's picture from now on. Returns the way to give it up, which stops a fetch that nobody else waits for. */
  want(id: number): () => void {
    const others = this.#wanted.get(id) ?? 0
    this.#wanted.delete(id)
    this.#wanted.set(id, others + 1)
    this.#serve()
    let given = false
    return () => {
      if (given) return
      given = true
      const left = (this.#wanted.get(id) ?? 1) - 1
      if (left > 0) this.#wanted.set(id, left)
      else {
        this.#wanted.delete(id)
        this.#running.get(id)?.abort()
      }
    }
  }

  #serve(): void {
    while (this.#running.size < AT_A_TIME) {
      const next = [...this.#wanted.keys()].findLast((id) => !this.#running.has(id) && this.#lacks(id))
      if (next === undefined) return
      void this.#get(next)
    }
  }

  #lacks(id: number): boolean {
    return this.#here.get(id) === undefined || this.#missed.get(id)?.again === true
  }

  async #get(id: number): Promise<void> {
    const stop = new AbortController()
    this.#running.set(id, stop)
    try {
      const blob = await this.#fetch(PATHS.thumb(id), stop.signal)
      this.#keep(id, blob === null ? null : URL.createObjectURL(blob))
    } catch {
      if (!stop.signal.aborted) this.#keep(id, null)
    } finally {
      this.#running.delete(id)
      this.#serve()
    }
  }

  #keep(id: number, url: string | null): void {
    this.#here.set(id, url)
    if (url === null) this.#askAgain(id)
    else this.#missed.delete(id)
    for (const [old] of this.#here) {
      if (this.#here.size <= KEPT) break
      if (!this.#wanted.has(old)) this.#forget(old)
    }
  }

  /** What is shown stays as it is meanwhile: words that come and go would flicker. */
  #askAgain(id: number): void {
    const times = (this.#missed.get(id)?.times ?? 0) + 1
    this.#missed.set(id, { times, again: false })
    setTimeout(
      () => {
        if (this.#missed.has(id)) this.#missed.set(id, { times, again: true })
        this.#serve()
      },
      Math.min(AGAIN_MOST_MS, AGAIN_MS * 2 ** (times - 1)),
    )
  }

  #forget(id: number): void {
    const url = this.#here.get(id)
    if (typeof url === 'string') URL.revokeObjectURL(url)
    this.#here.delete(id)
    this.#missed.delete(id)
    this.#serve()
  }
}

export const thumbs = new Thumbs()
