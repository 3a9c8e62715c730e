// Damage to the database's pages: looked for at the start within a bound, and noticed in service by whatever reads or writes.
import { statSync } from 'node:fs'
import { plainReason } from '../station/reasons'
import { checkPages } from './chores'
import type { Db } from './database'

/** Databases up to this size are looked at before anything else, in about a third of a second; larger ones in the background. */
const AT_ONCE_BYTES = 32 * 2 ** 20

/** What SQLite says of the pages; null where the database is too large to look at now. */
export function pagesAtStart(db: Db, path: string): string[] | null {
  return statSync(path).size > AT_ONCE_BYTES ? null : checkPages(db)
}

const CODES = /^SQLITE_(CORRUPT|NOTADB|IOERR)/

export class Damage {
  /** the first failure that only damage explains, in plain words */
  found: string | null = null

  /** The same port; what its methods throw is passed on, and damage is noted. */
  watched<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...given: unknown[]): unknown => {
          try {
            return Reflect.apply(value, target, given) as unknown
          } catch (error) {
            this.#note(error)
            throw error
          }
        }
      },
    })
  }

  #note(error: unknown): void {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && CODES.test(error.code))
      this.found ??= `${plainReason(error)} (${error.code})`
  }
}
