// A decision given in the log, for an alarm that nobody decided at the lane; clearing takes a second press here, too.
import type { Bag, DecisionAction } from '../../shared/bag'
import { inWords, within } from './client'
import type { Live } from './live.svelte'
import { SECOND_PRESS_MS } from './operator.svelte'
import type { Person } from './person.svelte'
import { needsCare } from './words'

const ANSWER_MS = 8000

export class LateDecision {
  readonly #live: Live
  readonly #person: Person
  readonly #now: () => number
  /** the bag whose clearing waits for the second press, and since when */
  #armed = $state.raw<{ bag: number; at: number } | null>(null)
  /** the bag whose decision is on its way */
  busy = $state<number | null>(null)
  /** what went wrong, and on which bag */
  error = $state.raw<{ bag: number; text: string } | null>(null)

  constructor(live: Live, person: Person, now: () => number = Date.now) {
    this.#live = live
    this.#person = person
    this.#now = now
  }

  readonly armed = $derived(this.#armed?.bag ?? null)

  /** Another bag is open: a half-given decision lapses. */
  reset(): void {
    this.#armed = null
    this.error = null
  }

  async decide(bag: Bag, action: DecisionAction): Promise<void> {
    const person = this.#person.name
    if (this.busy !== null) return
    if (person === null) {
      this.#person.asking = true
      return
    }
    if (action === 'clear' && needsCare(bag) && !this.#secondPress(bag)) return
    this.reset()
    this.busy = bag.id
    try {
      // nobody measured how long this person looked: seconds stay unknown
      const call = this.#live.client.bags.decide({ id: bag.id, action, person, reason: null, seconds: null })
      this.#live.update(await within(ANSWER_MS, 'decision', call))
    } catch (error) {
      this.error = { bag: bag.id, text: `NOT recorded: ${inWords(error)}` }
    } finally {
      this.busy = null
    }
  }

  /** True when this press confirms an earlier one on the same bag: no bounce of it, and not one long forgotten. */
  #secondPress(bag: Bag): boolean {
    const now = this.#now()
    const since = this.#armed?.bag === bag.id ? now - this.#armed.at : Infinity
    if (since < SECOND_PRESS_MS.from) return false
    if (since <= SECOND_PRESS_MS.to) return true
    this.#armed = { bag: bag.id, at: now }
    return false
  }
}
