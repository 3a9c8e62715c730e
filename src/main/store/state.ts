// Small named states that survive a restart, e.g. a class's quantile sketch. Each is signed: thresholds are proposed from them.
import type { Clock, KeptState } from '../station/ports'
import type { Db } from './database'
import { encode } from './records'
import type { Seals } from './seals'

export interface StateRow {
  name: string
  value: Buffer
  saved_at: number
}
/** What is signed of a state: the seal's name and the text. */
export const stateSeal = ({ name, value, saved_at }: StateRow): [subject: string, content: string] => [
  `state:${name}`,
  encode([name, value, saved_at]),
]

export class SqliteState implements KeptState {
  readonly #load
  readonly #save

  constructor(
    private readonly db: Db,
    private readonly seals: Seals,
    private readonly clock: Clock,
  ) {
    this.#load = db.prepare<[string], StateRow>('SELECT * FROM state WHERE name = ?')
    this.#save = db.prepare<[string, Buffer, number]>(
      'INSERT INTO state (name, value, saved_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value, saved_at = excluded.saved_at',
    )
  }

  /** Null also where somebody else has written it: what it held is learned anew. */
  load(name: string): Uint8Array | null {
    const row = this.#load.get(name)
    return row && this.seals.holds(...stateSeal(row)) ? row.value : null
  }

  save(name: string, state: Uint8Array): void {
    const value = Buffer.from(state.buffer, state.byteOffset, state.byteLength)
    this.db
      .transaction(() => {
        const at = Math.round(this.clock.now())
        this.#save.run(name, value, at)
        this.seals.put(...stateSeal({ name, value, saved_at: at }))
      })
      .immediate()
  }
}
