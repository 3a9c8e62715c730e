// Scans that were seen and not yet handed over: each waits until it stood still, by this machine's clock alone.
import { byNaturalName } from '../../domain/scan/names'
import { isSameFile, type Look } from '../files/look'
import type { Found } from '../files/walk'

export interface Waiting extends Found {
  /** null: it is there, but even its size is withheld */
  look: Look | null
  /** the look's signature, or the error's code */
  signature: string
  /** elapsed ms at which this signature was first seen */
  since: number
  /** elapsed ms at which this path was first seen */
  first: number
  /** elapsed ms before which there is no point in trying again */
  retryAt: number
  /** key of what it held, and since when (elapsed ms): tells a file whose times alone change */
  held: { sha256: string; since: number } | null
}

/** Files larger than this are not read in the hope that they may be whole already. */
const LARGE = 32 * 1024 * 1024

export class Settling {
  readonly #waiting = new Map<string, Waiting>()
  /** what the sweep under way saw for the first time */
  #fresh: Waiting[] = []
  #ready: Waiting[] = []

  /** A file may be read once it stood still for `glanceMs`, a large one for `settleMs`. */
  constructor(private readonly pace: { glanceMs: number; settleMs: number }) {}

  get size(): number {
    return this.#waiting.size
  }
  get(path: string): Waiting | undefined {
    return this.#waiting.get(path)
  }
  paths(): string[] {
    return [...this.#waiting.keys()]
  }

  /** Takes note of how a file looks now. A new look begins its waiting anew. */
  note(file: Found, look: Look | string, now: number, inSweep: boolean): void {
    const signature = typeof look === 'string' ? look : look.signature
    const before = this.#waiting.get(file.path)
    if (before?.signature === signature) return
    const waiting: Waiting = {
      path: file.path,
      name: file.name,
      at: file.at,
      look: typeof look === 'string' ? null : look,
      signature,
      since: now,
      first: before?.first ?? now,
      retryAt: now + this.#pause(look),
      held: before?.held ?? null,
    }
    this.#waiting.set(file.path, waiting)
    if (inSweep) this.#fresh.push(waiting)
  }

  /** Forgets a path and returns what was known of it. */
  drop(path: string): Waiting | undefined {
    const waiting = this.#waiting.get(path)
    this.#waiting.delete(path)
    return waiting
  }

  /** Whether a file waits here under some name. */
  has(look: Look, keepsBirth: boolean): boolean {
    return [...this.#waiting.values()].some((w) => w.look !== null && isSameFile(w.look, look, keepsBirth))
  }

  /** Those seen first in one sweep settle together, so that the oldest goes first; from its end, so that each stood still long enough. */
  sweepEnded(from: number, now: number): void {
    for (const waiting of this.#fresh.splice(0))
      if (waiting.since >= from) {
        waiting.since = now
        waiting.retryAt = now + this.#pause(waiting.look)
      }
  }

  /** The oldest file that is due, then by natural order of names; null when none is. */
  next(now: number): Waiting | null {
    const due = (w: Waiting): boolean => now >= w.retryAt && this.#waiting.get(w.path) === w
    if (this.#ready.length === 0)
      this.#ready = [...this.#waiting.values()]
        .filter(due)
        .sort((a, b) => (b.look?.modified ?? 0) - (a.look?.modified ?? 0) || byNaturalName(b.path, a.path))
    for (let w = this.#ready.pop(); w !== undefined; w = this.#ready.pop()) if (due(w)) return w
    return null
  }
  /** The order is worked out anew at the next `next`. */
  reorder(): void {
    this.#ready = []
  }

  #pause(look: Look | string | null): number {
    return look !== null && typeof look !== 'string' && look.size <= LARGE ? this.pace.glanceMs : this.pace.settleMs
  }

  /** Elapsed ms at which the next file can be due; Infinity when none waits. */
  dueAt(): number {
    let due = Infinity
    for (const { retryAt } of this.#waiting.values()) due = Math.min(due, retryAt)
    return due
  }
}
