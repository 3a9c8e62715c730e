// A decision given in the log, for an alarm that nobody decided at the lane; clearing takes a second press here, too.
import type { Bag, DecisionAction } from '../../shared/bag'
import { inWords, within } from './client'
import type { Live } from './live.svelte'
import type { Person } from './person.svelte'
import { needsCare } from './words'

const ANSWER_MS = 8000

export class LateDecision {
  readonly #live: Live
  readonly #person: Person
  /** the bag whose clearing waits for the second press */
  armed = $state<number | null>(null)
  busy = $state(false)
  error = $state<string | null>(null)

  constructor(live: Live, person: Person) {
    this.#live = live
    this.#person = person
  }

  reset(): void {
    this.armed = null
    this.error = null
  }

  async decide(bag: Bag, action: DecisionAction): Promise<void> {
    const person = this.#person.name
    if (this.busy) return
    if (person === null) {
      this.#person.asking = true
      return
    }
    if (action === 'clear' && needsCare(bag) && this.armed !== bag.id) {
      this.armed = bag.id
      return
    }
    this.reset()
    this.busy = true
    try {
      // nobody measured how long this person looked: seconds stay unknown
      const call = this.#live.client.bags.decide({ id: bag.id, action, person, reason: null, seconds: null })
      this.#live.update(await within(ANSWER_MS, 'decision', call))
    } catch (error) {
      this.error = `NOT recorded: ${inWords(error)}`
    } finally {
      this.busy = false
    }
  }
}
