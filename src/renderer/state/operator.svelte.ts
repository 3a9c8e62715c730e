// The operator's bag: which one is on the screen, how long, and the decision on it with its protection against slips.
import { untrack } from 'svelte'
import type { Bag, DecisionAction } from '../../shared/bag'
import { inWords, within } from './client'
import { QUEUE_MS, type Live } from './live.svelte'
import type { Person } from './person.svelte'
import { needsCare } from './words'

/** A key pressed within this time after the bag changed by itself was meant for the bag before. */
export const SLIP_MS = 500
/** Clearing an alarm takes a second press, no sooner (a bounce) and no later (forgotten) than this. */
export const SECOND_PRESS_MS = { from: 250, to: 3000 } as const
/** The decision timer's bar is full after this; nothing else happens then. */
export const TIMER_MS = 10_000
const ANSWER_MS = 8000

export class Operator {
  readonly #live: Live
  readonly #person: Person
  readonly #now: () => number
  /** a bag that the person recalled from the belt; null follows the lane */
  #recalled = $state<number | null>(null)
  /** when Clear was first pressed on an alarm, and for which bag */
  #armed = $state.raw<{ bag: number; at: number } | null>(null)
  /** one plain sentence about the last key or click; null when there is nothing to say */
  notice = $state<{ text: string; bad: boolean } | null>(null)
  /** a reason that goes along with the decision */
  reason = $state('')
  busy = $state(false)
  /** lanes on this screen; null shows all */
  lane = $state<string | null>(null)
  #now1 = $state(Date.now())

  readonly stop: () => void

  constructor(live: Live, person: Person, now: () => number = Date.now) {
    this.#live = live
    this.#person = person
    this.#now = now
    this.#now1 = now()
    this.stop = $effect.root(() => {
      $effect.pre(() => {
        const bag = this.#currentId
        untrack(() => (this.#appeared = { bag, at: this.#now(), byHand: this.#recalled !== null }))
      })
    })
  }

  /** To be called once a second: lets old alarms leave the queue and an armed Clear lapse. */
  tick(now: number): void {
    this.#now1 = now
    if (this.#armed !== null && now - this.#armed.at > SECOND_PRESS_MS.to) this.#armed = null
  }

  readonly #here = (bag: Bag): boolean => this.lane === null || bag.lane === this.lane
  readonly belt = $derived.by(() => this.#live.bags.filter(this.#here))
  /** undecided alarms of this lane that still may be on it, in the order in which they arose */
  readonly waiting = $derived.by(() => this.#live.undecided.filter((b) => this.#here(b) && this.#now1 - b.receivedAt <= QUEUE_MS))
  /** undecided alarms from earlier, or of lanes that this screen does not show: to be found in the log */
  readonly elsewhere = $derived.by(() => this.#live.undecided.length + this.#live.unlisted - this.waiting.length)
  /** the bag that the lane wants looked at: the first undecided alarm, else the newest bag */
  readonly #followed = $derived(this.waiting[0] ?? this.belt[0] ?? null)
  readonly #currentId = $derived(this.#recalled ?? this.#followed?.id ?? null)
  readonly current = $derived.by(() =>
    this.#currentId === null ? null : this.#followed?.id === this.#currentId ? this.#followed : this.#live.find(this.#currentId),
  )
  readonly recalling = $derived(this.#recalled !== null && this.#recalled !== this.#followed?.id)
  /** when the bag on the screen appeared there, and whether by a person's own hand */
  #appeared = $state.raw<{ bag: number | null; at: number; byHand: boolean }>({ bag: null, at: 0, byHand: false })
  get appearedAt(): number {
    return this.#appeared.at
  }
  readonly armed = $derived(this.#armed !== null && this.#armed.bag === this.#currentId)
  /** waiting alarms that are not the bag on the screen */
  readonly others = $derived(this.waiting.filter((b) => b.id !== this.#currentId))

  /** Shows a bag of the belt or queue; the lane goes on behind it. */
  recall(id: number): void {
    this.#recalled = id
    this.#settle()
  }

  /** Back to the lane. */
  goLive(): void {
    this.#recalled = null
    this.#settle()
  }

  /** Steps along the belt: +1 to the older bag, −1 to the newer; past the newest it follows the lane again. */
  step(by: 1 | -1): void {
    const at = this.belt.findIndex((b) => b.id === this.#currentId)
    const next = this.belt[Math.max(0, at + by)]
    if (next === undefined) return
    if (at + by <= 0 && by < 0 && next.id === this.#followed?.id) this.goLive()
    else this.recall(next.id)
  }

  #settle(): void {
    this.#armed = null
    this.notice = null
    this.reason = ''
  }

  #say(text: string, bad = false): void {
    this.notice = { text, bad }
  }

  async decide(action: DecisionAction): Promise<void> {
    const bag = this.current
    const person = this.#person.name
    if (this.busy) return
    if (bag === null) {
      this.#say('There is no bag to decide on.')
      return
    }
    if (!this.#live.connected) {
      this.#say('No connection to the station: this decision was NOT recorded.', true)
      return
    }
    if (person === null) {
      this.#person.asking = true
      return
    }
    const now = this.#now()
    const { at, byHand } = this.#appeared.bag === bag.id ? this.#appeared : { at: now, byHand: false }
    if (!byHand && now - at < SLIP_MS) {
      this.#say('The bag changed just now. Look, then press again.')
      return
    }
    if (bag.decision?.action === action) {
      this.#say('That is already decided for this bag.')
      return
    }
    if (action === 'clear' && bag.verdict === null) {
      this.#say('This bag has no verdict yet: it cannot be cleared.')
      return
    }
    if (action === 'clear' && needsCare(bag) && !this.#secondPress(bag, now)) return
    this.#armed = null
    this.busy = true
    try {
      const seconds = Math.max(0, now - at) / 1000
      const reason = this.reason.trim() === '' ? null : this.reason.trim()
      const decided = await within(
        ANSWER_MS,
        'decision',
        this.#live.client.bags.decide({ id: bag.id, action, person, reason, seconds }),
      )
      this.#settle()
      this.#live.update(decided)
    } catch (error) {
      this.#say(`NOT recorded: ${inWords(error)}`, true)
    } finally {
      this.busy = false
    }
  }

  /** True when this press confirms an earlier one on the same bag. */
  #secondPress(bag: Bag, now: number): boolean {
    const armed = this.#armed
    const since = armed?.bag === bag.id ? now - armed.at : Infinity
    if (since < SECOND_PRESS_MS.from) return false
    if (since <= SECOND_PRESS_MS.to) return true
    this.#armed = { bag: bag.id, at: now }
    this.#say(
      bag.verdict === 'alarm'
        ? 'This bag has an ALARM. Press Clear again to clear it.'
        : 'This bag was NOT SCREENED. Press Clear again only if it was searched by hand.',
    )
    return false
  }
}
