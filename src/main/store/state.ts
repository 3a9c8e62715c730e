// Small named states that survive a restart, e.g. a class's quantile sketch.
import type { Clock, KeptState } from '../station/ports'
import type { Db } from './database'

export class SqliteState implements KeptState {
  readonly #load
  readonly #save

  constructor(
    db: Db,
    private readonly clock: Clock,
  ) {
    this.#load = db.prepare<[string], Buffer>('SELECT value FROM state WHERE name = ?').pluck()
    this.#save = db.prepare<[string, Buffer, number]>(
      'INSERT INTO state (name, value, saved_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value, saved_at = excluded.saved_at',
    )
  }

  load(name: string): Uint8Array | null {
    return this.#load.get(name) ?? null
  }

  save(name: string, state: Uint8Array): void {
    this.#save.run(name, Buffer.from(state.buffer, state.byteOffset, state.byteLength), Math.round(this.clock.now()))
  }
}
