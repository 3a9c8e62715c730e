// A decision given in the log, for an alarm that nobody decided at the lane; the same protection as at the lane.
import type { Bag, DecisionAction } from '../../shared/bag'
import { Decider } from './decider.svelte'
import type { Live } from './live.svelte'
import type { Person } from './person.svelte'

export class LateDecision {
  readonly #decider: Decider

  constructor(live: Live, person: Person, now: () => number = () => Date.now()) {
    this.#decider = new Decider(live, person, now)
  }

  /** the bag whose clearing waits for the second press */
  readonly armed = $derived.by(() => this.#decider.armedBag)
  /** the bag whose decision is on its way */
  readonly busy = $derived.by(() => this.#decider.busyBags.at(0) ?? null)
  /** what went wrong, and on which bag */
  readonly error = $derived.by(() => this.#decider.failed.at(-1) ?? null)

  /** To be called once a second. */
  tick(now: number): void {
    this.#decider.tick(now)
  }

  /** Another bag is looked at: a first press on the one before is forgotten. */
  reset(): void {
    this.#decider.disarm()
    if (this.error !== null) this.#decider.quiet(this.error.bag)
  }

  /** Nobody measured how long this person looked, so the seconds stay unknown. */
  async decide(bag: Bag, action: DecisionAction): Promise<void> {
    await this.#decider.decide(bag, action, null, null)
  }
}
