// The operator's bag: which one is on the screen and why, how long, the note begun on it, and the decision on it.
import { untrack } from 'svelte'
import { SvelteMap } from 'svelte/reactivity'
import type { Bag, DecisionAction } from '../../shared/bag'
import { Decider, type Notice } from './decider.svelte'
import { QUEUE_MS, type Live } from './live.svelte'
import type { Person } from './person.svelte'
import { passedUndecided } from './standing'
import { View } from './view.svelte'

export { SECOND_PRESS_MS } from './decider.svelte'

/** A key pressed within this time after the bag changed by itself was meant for the bag before. */
export const SLIP_MS = 500
/** The decision timer's bar is full after this; nothing else happens then. */
export const TIMER_MS = 10_000
/** A bag that someone looked at stays this long after they turned the last image function off: they may only be comparing. */
export const LET_GO_MS = 4000

export class Operator {
  readonly #live: Live
  readonly #person: Person
  readonly #now: () => number
  readonly view: View
  readonly #decider: Decider
  /** a bag that the person recalled from the belt; null follows the lane */
  #recalled = $state<number | null>(null)
  /** the lane's bag that someone is looking at closely; the lane goes on behind it */
  #held = $state<number | null>(null)
  /** when someone last looked closely at the held bag */
  #lookedAt = $state(-Infinity)
  /** true while a person is in the field for the note */
  writing = $state(false)
  /** reasons begun, by bag: what is typed on a bag goes with that bag's decision and no other's */
  readonly #notes = new SvelteMap<number, string>()
  /** said where there is no bag */
  #noBag = $state<Notice | null>(null)
  /** lanes on this screen; null shows all */
  lane = $state<string | null>(null)
  #tick = $state(Date.now())

  readonly stop: () => void

  constructor(live: Live, person: Person, view: View = new View(), now: () => number = Date.now) {
    this.#live = live
    this.#person = person
    this.view = view
    this.#now = now
    this.#decider = new Decider(live, person, now)
    this.#tick = now()
    this.stop = $effect.root(() => {
      $effect.pre(() => {
        const id = this.#currentId
        untrack(() => this.#changed(id))
      })
      $effect.pre(() => this.#live.pin(this.current))
      $effect.pre(() => {
        const id = this.#currentId
        const looking = this.#looking
        const now = this.#tick
        untrack(() => this.#hold(id, looking, now))
      })
    })
  }

  /** To be called once a second: lets old alarms leave the queue, an armed Clear lapse, and a bag go that nobody looks at any more. */
  tick(now: number): void {
    this.#tick = now
    this.#decider.tick(now)
  }

  readonly #here = (bag: Bag): boolean => this.lane === null || bag.lane === this.lane
  readonly belt = $derived.by(() => this.#live.bags.filter(this.#here))
  /** undecided alarms of this lane that still may be on it, in the order in which they arose */
  readonly waiting = $derived.by(() => this.#live.undecided.filter((b) => this.#here(b) && this.#tick - b.receivedAt <= QUEUE_MS))
  /** undecided alarms from earlier, or of lanes that this screen does not show: to be found in the log */
  readonly elsewhere = $derived.by(() => this.#live.undecided.length + this.#live.unlisted - this.waiting.length)
  /** the bag that the lane wants looked at: the first undecided alarm, else the newest bag */
  readonly #followed = $derived(this.waiting[0] ?? this.belt[0] ?? null)
  readonly #currentId = $derived(this.#recalled ?? this.#held ?? this.#followed?.id ?? null)
  readonly current = $derived.by(() =>
    this.#currentId === null ? null : this.#followed?.id === this.#currentId ? this.#followed : this.#live.find(this.#currentId),
  )
  /** the lane has gone on: the bag on the screen was recalled, or is held while someone looks at it */
  readonly away = $derived(this.#currentId !== null && this.#currentId !== (this.#followed?.id ?? null))
  readonly recalling = $derived(this.away && this.#recalled !== null)
  readonly holding = $derived(this.away && this.#recalled === null)
  /** waiting alarms that are not the bag on the screen */
  readonly others = $derived(this.waiting.filter((b) => b.id !== this.#currentId))
  /** bags that came after the one on the screen */
  readonly newer = $derived.by(() => this.belt.filter((b) => b.id > (this.#currentId ?? Infinity)))
  readonly #newestOf = $derived.by(() => {
    const newest = new Map<string, number>() // eslint-disable-line svelte/prefer-svelte-reactivity -- made anew each time
    for (const { id, lane } of this.belt) newest.set(lane, Math.max(id, newest.get(lane) ?? 0))
    return newest
  })
  /** Whether a bag left its lane without anyone's decision. */
  passed(bag: Bag): boolean {
    return bag.id !== this.#currentId && passedUndecided(bag, this.#newestOf.get(bag.lane))
  }

  /** when the bag on the screen appeared there, and whether by a person's own hand */
  #appeared = $state.raw<{ bag: number | null; at: number; byHand: boolean }>({ bag: null, at: 0, byHand: false })
  get appearedAt(): number {
    return this.#appeared.at
  }
  readonly armed = $derived.by(() => this.#decider.armed(this.#currentId))
  readonly busy = $derived.by(() => this.#decider.busy(this.#currentId))
  /** one plain sentence about the last key or click on this bag; null when there is nothing to say */
  readonly notice = $derived.by(() => this.#decider.notice(this.#currentId) ?? (this.#currentId === null ? this.#noBag : null))
  /** decisions on other bags than this that were not recorded */
  readonly failed = $derived.by(() => this.#decider.failed.filter(({ bag }) => bag !== this.#currentId))
  forget(bag: number): void {
    this.#decider.quiet(bag)
  }

  /** the reason that goes along with the decision on the bag on the screen */
  get note(): string {
    return (this.#currentId === null ? undefined : this.#notes.get(this.#currentId)) ?? ''
  }
  /** Takes what was typed on a bag, which need not be the one on the screen any more. */
  write(bag: number, text: string): void {
    if (text === '') this.#notes.delete(bag)
    else this.#notes.set(bag, text)
  }

  /** someone is busy with the bag on the screen: it must not be taken from under their eyes or hands */
  readonly #looking = $derived.by(() => this.view.touched || this.writing || this.note !== '' || this.armed)

  #changed(id: number | null): void {
    if (this.#appeared.bag === id) return
    this.#appeared = { bag: id, at: this.#now(), byHand: this.#recalled !== null }
    this.view.show(id)
  }

  #hold(id: number | null, looking: boolean, now: number): void {
    if (this.#recalled !== null) this.#held = null
    else if (looking) {
      this.#held = id
      this.#lookedAt = now
    } else if (now - this.#lookedAt > LET_GO_MS) this.#held = null
  }

  /** Shows a bag of the belt or queue; the lane goes on behind it. */
  recall(id: number): void {
    this.#recalled = id
    this.#decider.disarm()
  }

  /** Back to the lane; what was begun on the bag before stays with it. */
  goLive(): void {
    this.#recalled = null
    this.#letGo()
    this.#decider.disarm()
  }

  #letGo(): void {
    this.#held = null
    this.#lookedAt = -Infinity
    this.view.reset()
  }

  /** Steps along the belt: +1 to the older bag, −1 to the newer; past the newest it follows the lane again. */
  step(by: 1 | -1): void {
    const at = this.belt.findIndex((b) => b.id === this.#currentId)
    const next = this.belt[Math.max(0, at + by)]
    if (next === undefined) return
    if (at + by <= 0 && by < 0 && next.id === this.#followed?.id) this.goLive()
    else this.recall(next.id)
  }

  async decide(action: DecisionAction): Promise<void> {
    const bag = this.current
    if (bag === null) {
      this.#noBag = { text: 'There is no bag to decide on.', bad: false }
      return
    }
    const now = this.#now()
    const { at, byHand } = this.#appeared.bag === bag.id ? this.#appeared : { at: now, byHand: false }
    if (this.#live.connected && this.#person.name !== null && !byHand && now - at < SLIP_MS) {
      this.#decider.say(bag.id, 'The bag changed just now. Look, then press again.')
      return
    }
    const note = this.#notes.get(bag.id)?.trim() ?? ''
    const recorded = await this.#decider.decide(bag, action, note === '' ? null : note, Math.max(0, now - at) / 1000)
    if (!recorded) return
    this.#notes.delete(bag.id)
    // deciding is letting go: of this bag only, another may be on the screen by now
    if (this.#currentId === bag.id) this.#letGo()
  }
}
