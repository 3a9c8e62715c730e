// A supervisor's outcome for the bag that is open: explicit, by key or click; a threat names every class that was in the bag, each with a place.
import { SvelteMap } from 'svelte/reactivity'
import type { Bag, Finding, OutcomeKind, Place } from '../../shared/bag'
import type { ThreatClass } from '../../shared/classes'
import { heldThreat } from '../../domain/outcomes'
import { inWords, within } from './client'
import type { Live } from './live.svelte'
import type { Person } from './person.svelte'
import { topClass } from './words'

const ANSWER_MS = 8000

/** What was begun on one bag. It stays that bag's, whatever is on the screen when it is finished. */
class Draft {
  kind = $state<OutcomeKind | null>(null)
  found = $state.raw<readonly Finding[]>([])
  /** the class whose place the next click or box on the scan says */
  active = $state<ThreatClass | null>(null)
  comment = $state('')
  notice = $state<{ text: string; bad: boolean } | null>(null)
  saving = $state(false)

  get empty(): boolean {
    return this.kind === null && this.comment.trim() === '' && this.notice === null && !this.saving
  }
}

/** Outcomes that name a threat. */
const asksWhat = (kind: OutcomeKind | null): boolean => kind === 'confirmed' || kind === 'missed'

export class Review {
  readonly #live: Live
  readonly #person: Person
  readonly #drafts = new SvelteMap<number, Draft>()
  #bag = $state<number | null>(null)

  constructor(live: Live, person: Person) {
    this.#live = live
    this.#person = person
  }

  readonly #draft = $derived(this.#bag === null ? null : (this.#drafts.get(this.#bag) ?? null))
  /** the outcome being given; `confirmed` and `missed` ask for classes and places before they are saved */
  readonly kind = $derived(this.#draft?.kind ?? null)
  readonly found = $derived(this.#draft?.found ?? [])
  readonly active = $derived(this.#draft?.active ?? null)
  readonly notice = $derived(this.#draft?.notice ?? null)
  readonly busy = $derived(this.#draft?.saving ?? false)
  /** true while a click or a box on the scan says where the threat is */
  readonly pointing = $derived(asksWhat(this.kind))

  get comment(): string {
    return this.#draft?.comment ?? ''
  }
  set comment(text: string) {
    if (this.#draft !== null) this.#draft.comment = text
  }

  /** Another bag is open: what was begun on the one before waits there. */
  turnTo(bag: number | null): void {
    if (bag === this.#bag) return
    for (const [id, draft] of this.#drafts) if (draft.empty) this.#drafts.delete(id)
    if (bag !== null && !this.#drafts.has(bag)) this.#drafts.set(bag, new Draft())
    this.#bag = bag
  }

  /** Gives up what was begun on the open bag. */
  reset(): void {
    if (this.#bag !== null) this.#drafts.set(this.#bag, new Draft())
  }

  /** Which outcomes make sense: a clear bag can only have been missed; one with an alarm can't; one with a silent advisory may be anything. */
  allows(bag: Bag, kind: OutcomeKind): boolean {
    switch (bag.verdict) {
      case null:
        return false
      case 'clear':
        return kind === 'missed' || kind === 'unsure'
      case 'advisory':
        return true
      default:
        return kind !== 'missed'
    }
  }

  /** Begins an outcome. False alarm and unsure are complete at once; a threat waits for its classes and places. */
  async begin(bag: Bag, kind: OutcomeKind): Promise<void> {
    const draft = this.#of(bag)
    if (!this.allows(bag, kind)) {
      draft.notice = { text: refusal(bag), bad: false }
      return
    }
    draft.notice = null
    draft.kind = kind
    if (!asksWhat(kind)) return this.save(bag)
    const said = heldThreat(bag.outcome) ? bag.outcome.found : []
    // The network's first class and its peak are where a reviewer starts; a missed threat has neither until someone says so.
    const first = kind === 'confirmed' ? topClass(bag) : null
    draft.found = said.length > 0 ? said : first === null ? [] : [{ class: first, where: peakOf(bag, first) }]
    draft.active = draft.found[0]?.class ?? null
  }

  /** Names a class, or takes it back. A flagged class starts at the network's peak. */
  choose(bag: Bag, c: ThreatClass): void {
    const draft = this.#of(bag)
    if (!asksWhat(draft.kind)) return
    draft.notice = null
    if (draft.found.some((f) => f.class === c)) {
      draft.found = draft.found.filter((f) => f.class !== c)
      if (draft.active === c) draft.active = draft.found.at(-1)?.class ?? null
    } else {
      const flagged = (bag.classes?.[c].tier ?? 'none') !== 'none'
      draft.found = [...draft.found, { class: c, where: draft.kind === 'confirmed' && flagged ? peakOf(bag, c) : null }]
      draft.active = c
    }
  }

  /** The class whose place is said next. */
  activate(c: ThreatClass): void {
    if (this.#draft?.found.some((f) => f.class === c) === true) this.#draft.active = c
  }

  /** Says where the active class lies, or, with null, that nobody knows. */
  place(where: Place | null): void {
    const draft = this.#draft
    if (draft === null || !asksWhat(draft.kind)) return
    if (draft.active === null) draft.notice = { text: 'Which class? Press 1 to 5, or click a name; then its place.', bad: false }
    else draft.found = draft.found.map((f) => (f.class === draft.active ? { ...f, where } : f))
  }

  async save(bag: Bag): Promise<void> {
    const draft = this.#of(bag)
    const { kind } = draft
    const person = this.#person.name
    if (kind === null || draft.saving) return
    if (person === null) {
      this.#person.asking = true
      return
    }
    if (asksWhat(kind) && draft.found.length === 0) {
      draft.notice = { text: 'Which class? Press 1 to 5, or click a name.', bad: false }
      return
    }
    draft.saving = true
    try {
      const comment = draft.comment.trim() === '' ? null : draft.comment.trim()
      const found = asksWhat(kind) ? [...draft.found] : []
      const saved = await within(ANSWER_MS, 'review', this.#live.client.bags.review({ id: bag.id, kind, found, comment, person }))
      // what is begun on the bag that is open by now is not touched
      if (this.#bag === bag.id) this.#drafts.set(bag.id, new Draft())
      else this.#drafts.delete(bag.id)
      this.#live.update(saved)
    } catch (error) {
      draft.notice = { text: `NOT recorded: ${inWords(error)}`, bad: true }
    } finally {
      draft.saving = false
    }
  }

  #of(bag: Bag): Draft {
    const known = this.#drafts.get(bag.id)
    if (known !== undefined) return known
    const made = new Draft()
    this.#drafts.set(bag.id, made)
    return made
  }
}

function peakOf(bag: Bag, c: ThreatClass): Place | null {
  const peak = bag.classes?.[c].peak
  return peak === undefined ? null : { shape: 'point', ...peak }
}

function refusal(bag: Bag): string {
  if (bag.verdict === null) return 'This bag has no verdict yet.'
  if (bag.verdict === 'clear') return 'There was no alarm on this bag: it can be marked as missed or unsure.'
  return '“Missed” is for bags without an alarm. Confirm this one: a class that had no alarm is then counted as missed.'
}
