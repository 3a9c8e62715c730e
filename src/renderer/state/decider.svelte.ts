// Recording decisions, for lane and log alike: each belongs to the bag it was begun on, whatever is on the screen when its answer comes.
import { SvelteMap, SvelteSet } from 'svelte/reactivity'
import type { Bag, DecisionAction } from '../../shared/bag'
import { inWords, within } from './client'
import type { Live } from './live.svelte'
import type { Person } from './person.svelte'
import { needsCare } from './words'

/** Clearing an alarm takes a second press, no sooner (a bounce) and no later (forgotten) than this. */
export const SECOND_PRESS_MS = { from: 250, to: 3000 } as const
const ANSWER_MS = 8000

export interface Notice {
  text: string
  bad: boolean
}

export class Decider {
  readonly #live: Live
  readonly #person: Person
  readonly #now: () => number
  /** when Clear was first pressed on an alarm, and for which bag */
  #armed = $state.raw<{ bag: number; at: number } | null>(null)
  /** one plain sentence about the last key or click, by bag */
  readonly #notices = new SvelteMap<number, Notice>()
  readonly #busy = new SvelteSet<number>()

  constructor(live: Live, person: Person, now: () => number = Date.now) {
    this.#live = live
    this.#person = person
    this.#now = now
  }

  readonly armedBag = $derived.by(() => this.#armed?.bag ?? null)
  readonly busyBags = $derived.by(() => [...this.#busy])
  armed(bag: number | null): boolean {
    return bag !== null && this.#armed?.bag === bag
  }
  busy(bag: number | null): boolean {
    return bag !== null && this.#busy.has(bag)
  }
  notice(bag: number | null): Notice | null {
    return bag === null ? null : (this.#notices.get(bag) ?? null)
  }
  /** Bags whose decision was not recorded: to be said even when another bag is on the screen. */
  readonly failed = $derived.by(() => [...this.#notices].filter(([, { bad }]) => bad).map(([bag, { text }]) => ({ bag, text })))

  say(bag: number, text: string, bad = false): void {
    this.#notices.set(bag, { text, bad })
  }
  /** Forgets what was said of a bag. */
  quiet(bag: number): void {
    this.#notices.delete(bag)
  }
  disarm(): void {
    if (this.#armed !== null && this.#notices.get(this.#armed.bag)?.bad === false) this.#notices.delete(this.#armed.bag)
    this.#armed = null
  }
  /** To be called once a second: an armed Clear lapses. */
  tick(now: number): void {
    if (this.#armed !== null && now - this.#armed.at > SECOND_PRESS_MS.to) this.disarm()
  }

  /** Records a person's decision on a bag. True once the station has written it down; whatever went wrong is said in the bag's notice. */
  async decide(bag: Bag, action: DecisionAction, reason: string | null, seconds: number | null): Promise<boolean> {
    const person = this.#person.name
    if (this.#busy.has(bag.id)) return false
    if (!this.#live.connected) {
      this.say(bag.id, 'No connection to the station: this decision was NOT recorded.', true)
      return false
    }
    if (person === null) {
      this.#person.asking = true
      return false
    }
    const refusal = this.#refusal(bag, action)
    if (refusal !== null) {
      this.say(bag.id, refusal)
      return false
    }
    this.#armed = null
    this.#busy.add(bag.id)
    try {
      const call = this.#live.client.bags.decide({ id: bag.id, action, person, reason, seconds })
      const decided = await within(ANSWER_MS, 'decision', call)
      this.#notices.delete(bag.id)
      this.#live.update(decided)
      return true
    } catch (error) {
      this.say(bag.id, `NOT recorded: ${inWords(error)}`, true)
      return false
    } finally {
      this.#busy.delete(bag.id)
    }
  }

  /** Why this press does not decide, in words; null where it does. */
  #refusal(bag: Bag, action: DecisionAction): string | null {
    if (bag.decision?.action === action) return 'That is already decided for this bag.'
    if (action !== 'clear') return null
    if (bag.verdict === null) return 'This bag has no verdict yet: it cannot be cleared.'
    if (!needsCare(bag) || this.#secondPress(bag)) return null
    return bag.verdict === 'alarm'
      ? 'This bag has an ALARM. Press Clear again to clear it.'
      : 'This bag was NOT SCREENED. Press Clear again only if it was searched by hand.'
  }

  /** True when this press confirms an earlier one on the same bag. */
  #secondPress(bag: Bag): boolean {
    const now = this.#now()
    const since = this.#armed?.bag === bag.id ? now - this.#armed.at : Infinity
    if (since >= SECOND_PRESS_MS.from && since <= SECOND_PRESS_MS.to) return true
    if (since > SECOND_PRESS_MS.to) this.#armed = { bag: bag.id, at: now }
    return false
  }
}
