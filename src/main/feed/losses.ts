// Files that were seen and went before they were read: bags that nobody analysed, unless they only got another name.
import type { Look } from '../files/look'

export interface Loss {
  path: string
  /** null: it could never be looked at */
  look: Look | null
  why: string
  /** elapsed ms */
  since: number
  /** number of the sweep under way or last begun when it went: only a later one knows under which other name the file may be */
  sweep: number
}

export class Losses {
  #lost: Loss[] = []

  add(loss: Loss): void {
    this.#lost.push(loss)
  }
  /** A file is back at its place as it was: a share that hid it for a moment. */
  back(path: string, { size, modified }: Look): void {
    this.#lost = this.#lost.filter(
      (l) => l.path !== path || (l.look !== null && (l.look.size !== size || l.look.modified !== modified)),
    )
  }
  /** The first one that has been gone for `ms`. */
  next(now: number, ms: number): Loss | null {
    return this.#lost.find(({ since }) => now >= since + ms) ?? null
  }
  done(loss: Loss): void {
    this.#lost = this.#lost.filter((other) => other !== loss)
  }
  dueAt(ms: number): number {
    return Math.min(Infinity, ...this.#lost.map(({ since }) => since + ms))
  }
}
