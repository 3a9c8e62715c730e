// Signatures over single records that are believed one by one, without walking the chain: policies, calibrations, kept states.
import type { Db } from './database'
import type { StationKey } from './key'

export class Seals {
  readonly #get
  readonly #put

  constructor(
    db: Db,
    private readonly key: StationKey | null,
  ) {
    this.#get = db.prepare<[string], Buffer>('SELECT signature FROM seals WHERE subject = ?').pluck()
    this.#put = db.prepare<[string, Buffer]>('INSERT OR REPLACE INTO seals (subject, signature) VALUES (?, ?)')
  }

  /** Signs a record's content. Throws without a key. */
  put(subject: string, content: string): void {
    if (!this.key) throw new Error('The key that signs the record is not at hand, so nothing can be written down.')
    this.#put.run(subject, this.key.sign(text(subject, content)))
  }

  /** Whether the content is what was signed; where there is no key, nothing can be told and everything is believed. */
  holds(subject: string, content: string): boolean {
    if (!this.key) return true
    const signature = this.#get.get(subject)
    return signature !== undefined && this.key.verifies(text(subject, content), signature)
  }
}

const text = (subject: string, content: string): string => `lanescope seal 1\n${subject}\n${content}`
