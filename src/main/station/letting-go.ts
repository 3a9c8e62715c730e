// Lets clear bags' old scans go from time to time, beside the bags' way and never in it.
import type { Archive } from './ports'
import { plainReason } from './reasons'
import type { Troubles } from './troubles'

/** Clear bags between two times. */
const EVERY = 20

export class LettingGo {
  #clearSince = 0
  #going: Promise<void> | null = null

  /** `keep`: how many of the newest clear bags keep their scan. */
  constructor(
    private readonly archive: Pick<Archive, 'letGo'>,
    private readonly keep: number,
    private readonly troubles: Pick<Troubles, 'raise' | 'over'>,
  ) {}

  /** One more bag was clear. */
  clear(): void {
    this.#clearSince += 1
    if (this.#clearSince >= EVERY) this.now()
  }

  now(): void {
    this.#clearSince = 0
    this.#going ??= this.archive
      .letGo(this.keep)
      .then(() => this.troubles.over('let-go'))
      .catch((error: unknown) => this.troubles.raise('let-go', `Old scans cannot be removed: ${plainReason(error)}`))
      .finally(() => (this.#going = null))
  }

  /** Resolves when what was begun is done. */
  async rest(): Promise<void> {
    await this.#going
  }
}
