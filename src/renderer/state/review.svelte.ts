// A supervisor's outcome for the bag that is open: explicit, by key or click; for a threat also which class and where.
import type { Bag, OutcomeKind, Point } from '../../shared/bag'
import type { ThreatClass } from '../../shared/classes'
import { inWords, within } from './client'
import type { Live } from './live.svelte'
import type { Person } from './person.svelte'
import { topClass } from './words'

const ANSWER_MS = 8000

export class Review {
  readonly #live: Live
  readonly #person: Person
  /** the outcome being given; `confirmed` and `missed` ask for class and place before they are saved */
  kind = $state<OutcomeKind | null>(null)
  class = $state<ThreatClass | null>(null)
  where = $state.raw<Point | null>(null)
  comment = $state('')
  busy = $state(false)
  notice = $state<{ text: string; bad: boolean } | null>(null)

  constructor(live: Live, person: Person) {
    this.#live = live
    this.#person = person
  }

  /** true while a click on the scan says where the threat is */
  pointing = $derived(this.kind === 'confirmed' || this.kind === 'missed')

  reset(): void {
    this.kind = null
    this.class = null
    this.where = null
    this.comment = ''
    this.notice = null
  }

  /** Which outcomes make sense: a clear bag can only have been missed, a flagged one can't. */
  allows(bag: Bag, kind: OutcomeKind): boolean {
    if (bag.verdict === null) return false
    return bag.verdict === 'clear' ? kind === 'missed' || kind === 'unsure' : kind !== 'missed'
  }

  /** Begins an outcome. False alarm and unsure are complete at once; a threat waits for class and place. */
  async begin(bag: Bag, kind: OutcomeKind): Promise<void> {
    if (!this.allows(bag, kind)) {
      this.notice = {
        text:
          bag.verdict === null
            ? 'This bag has no verdict yet.'
            : bag.verdict === 'clear'
              ? 'There was no alarm on this bag: it can be marked as missed or unsure.'
              : '“Missed” is for bags without an alarm: this one was flagged.',
        bad: false,
      }
      return
    }
    this.kind = kind
    this.notice = null
    if (!this.pointing) return this.save(bag)
    const first = bag.outcome?.class ?? topClass(bag)
    // The network's peak is where a reviewer starts; a missed threat has no place until someone points at it.
    this.class = kind === 'confirmed' ? first : (bag.outcome?.class ?? null)
    this.where = bag.outcome?.where ?? (kind === 'confirmed' && first !== null ? (bag.classes?.[first].peak ?? null) : null)
  }

  choose(bag: Bag, c: ThreatClass): void {
    if (!this.pointing) return
    if (
      this.kind === 'confirmed' &&
      this.where !== null &&
      this.class !== null &&
      samePoint(this.where, bag.classes?.[this.class].peak)
    )
      this.where = bag.classes?.[c].peak ?? null
    this.class = c
  }

  point(at: Point): void {
    if (this.pointing) this.where = at
  }

  async save(bag: Bag): Promise<void> {
    const { kind } = this
    const person = this.#person.name
    if (kind === null || this.busy) return
    if (person === null) {
      this.#person.asking = true
      return
    }
    if (this.pointing && this.class === null) {
      this.notice = { text: 'Which class? Press 1 to 5, or click a name.', bad: false }
      return
    }
    this.busy = true
    try {
      const comment = this.comment.trim() === '' ? null : this.comment.trim()
      const saved = await within(
        ANSWER_MS,
        'review',
        this.#live.client.bags.review({
          id: bag.id,
          kind,
          class: this.pointing ? this.class : null,
          where: this.pointing ? this.where : null,
          comment,
          person,
        }),
      )
      this.reset()
      this.#live.update(saved)
    } catch (error) {
      this.notice = { text: `NOT recorded: ${inWords(error)}`, bad: true }
    } finally {
      this.busy = false
    }
  }
}

const samePoint = (a: Point, b: Point | undefined): boolean => b !== undefined && a.x === b.x && a.y === b.y
