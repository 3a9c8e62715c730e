// The Alarms screen's state: a draft beside the policy in force, what it promises, and the versions to go back to.
import type { ThreatClass } from '../../shared/classes'
import { policyDraft, type Policy, type PolicyDraft, type SetBy } from '../../shared/policy'
import type { DriftReport } from '../../shared/status'
import type { ClassScores, DraftEffect, LaneProposal } from '../../shared/alarms'
import { inWords, within } from './client'
import type { Live } from './live.svelte'
import type { Person } from './person.svelte'

export type AlarmTier = 'advisory' | 'alarm'
export type Tab = 'thresholds' | 'versions' | 'drift'
const ANSWER_MS = 15_000
/** Bags of the log that a draft is replayed on. */
export const REPLAYED = 5000

export class Alarms {
  readonly #live: Live
  readonly #person: Person
  tab = $state<Tab>('thresholds')
  class = $state<ThreatClass>('gun')
  /** the tier whose promise is shown and whose threshold keys move */
  tier = $state<AlarmTier>('alarm')
  inForce = $state.raw<Policy | null>(null)
  draft = $state.raw<PolicyDraft | null>(null)
  /** newest first */
  versions = $state.raw<readonly Policy[]>([])
  of = $state.raw<ClassScores | null>(null)
  effect = $state.raw<DraftEffect | null>(null)
  proposal = $state.raw<LaneProposal | null>(null)
  drift = $state.raw<DriftReport | null>(null)
  reason = $state('')
  busy = $state(false)
  notice = $state<{ text: string; bad: boolean } | null>(null)
  #trying = false
  #tryAgain = false
  #loads = 0

  constructor(live: Live, person: Person) {
    this.#live = live
    this.#person = person
  }

  /** Whether the draft differs from the policy in force. */
  readonly changed = $derived(
    this.draft !== null && this.inForce !== null && JSON.stringify(essence(this.draft)) !== JSON.stringify(essence(this.inForce)),
  )
  readonly pair = $derived(this.draft?.classes[this.class] ?? null)
  readonly promise = $derived(this.effect?.promises[this.class][this.tier] ?? null)

  /** Reads everything anew. A draft that was begun is kept, unless nothing was changed in it. */
  async load(): Promise<void> {
    await this.#asking('reading the policies', async () => {
      const { client } = this.#live
      const [current, versions] = await Promise.all([client.policy.current(), client.policy.list()])
      const fresh = this.draft === null || !this.changed
      this.inForce = current
      this.versions = versions
      if (fresh) this.draft = policyDraft.parse(current)
    })
    await Promise.all([this.#loadClass(), this.try(), this.loadDrift()])
  }

  async loadDrift(): Promise<void> {
    await this.#asking('reading the drift', async () => {
      this.drift = await this.#live.client.alarms.drift()
    })
  }

  async choose(c: ThreatClass): Promise<void> {
    this.class = c
    await this.#loadClass()
  }

  async #loadClass(): Promise<void> {
    const load = ++this.#loads
    const c = this.class
    await this.#asking('reading the scores', async () => {
      const of = await this.#live.client.alarms.of(this.draft === null ? { class: c } : { class: c, draft: this.draft })
      if (load === this.#loads) this.of = of
    })
  }

  /** Moves a threshold of the chosen class by hand; the other tier gives way where they would cross. */
  move(tier: AlarmTier, threshold: number): void {
    if (this.draft === null || !Number.isFinite(threshold)) return
    const { advisory, alarm } = this.draft.classes[this.class]
    const moved = { threshold, setBy: { kind: 'hand' as const }, promise: null }
    const pair =
      tier === 'alarm'
        ? { alarm: moved, advisory: advisory.threshold <= threshold ? advisory : moved }
        : { advisory: moved, alarm: alarm.threshold >= threshold ? alarm : moved }
    this.tier = tier
    this.draft = { ...this.draft, classes: { ...this.draft.classes, [this.class]: pair } }
    void this.try()
  }

  nudge(tier: AlarmTier, by: number): void {
    const threshold = this.pair?.[tier].threshold
    if (threshold !== undefined) this.move(tier, threshold + by)
  }

  /** Sets the chosen tier by a rule: the chosen class's, or every class's at once where they share the bag's budget. */
  async set(by: SetBy): Promise<void> {
    const { draft } = this
    if (draft === null) return
    const shared = 'scope' in by && by.scope === 'bag'
    await this.#working('setting the threshold', async () => {
      const { policy } = this.#live.client
      this.draft = shared
        ? await policy.share({ draft, tier: this.tier, by })
        : await policy.set({ draft, class: this.class, tier: this.tier, by })
      await this.try()
    })
  }

  /** Share of bags with the chosen class, and bags an hour: what promises are reckoned at. */
  lane(change: { prevalence?: number; bagsPerHour?: number }): void {
    if (this.draft === null) return
    const prevalence = change.prevalence ?? this.draft.prevalence[this.class]
    const bagsPerHour = change.bagsPerHour ?? this.draft.bagsPerHour
    if (!(prevalence > 0 && prevalence < 0.5 && bagsPerHour > 0)) {
      this.notice = { text: 'A share of bags lies between 0 and 1 in 2, and a lane has bags.', bad: true }
      return
    }
    this.notice = null
    this.draft = { ...this.draft, prevalence: { ...this.draft.prevalence, [this.class]: prevalence }, bagsPerHour }
    void this.try()
  }

  /** Asks what the draft promises; while one answer is on its way, only the newest draft is asked for next. */
  async try(): Promise<void> {
    if (this.#trying) {
      this.#tryAgain = true
      return
    }
    this.#trying = true
    try {
      do {
        this.#tryAgain = false
        const { draft } = this
        if (draft === null) break
        await this.#asking('trying the draft', async () => {
          this.effect = await this.#live.client.policy.try({ draft, lastBags: REPLAYED })
        })
      } while (this.#goesOn())
    } finally {
      this.#trying = false
    }
  }
  #goesOn(): boolean {
    return this.#tryAgain
  }

  async propose(per1000: number): Promise<void> {
    await this.#working('asking the lane', async () => {
      this.proposal = await this.#live.client.alarms.proposal({ per1000 })
    })
  }

  acceptProposal(): void {
    const draft = this.proposal?.draft
    if (!draft) return
    this.draft = draft
    this.proposal = null
    this.notice = { text: 'The lane’s thresholds are in the draft. Nothing is in force until you save.', bad: false }
    void this.try()
  }

  discard(): void {
    if (this.inForce === null) return
    this.draft = policyDraft.parse(this.inForce)
    this.notice = null
    void this.try()
  }

  /** Takes an old version's thresholds into the draft. */
  take(version: Policy): void {
    this.draft = policyDraft.parse(version)
    this.tab = 'thresholds'
    void this.try()
    void this.#loadClass()
  }

  async save(): Promise<void> {
    const { draft } = this
    await this.#signed(async (person, reason) => {
      if (draft === null) return
      const saved = await this.#live.client.policy.save({ draft, person, reason })
      await this.#nowInForce(saved)
      this.notice = { text: `Policy ${saved.version} is in force.`, bad: false }
    })
  }

  async rollBack(version: number): Promise<void> {
    await this.#signed(async (person, reason) => {
      const saved = await this.#live.client.policy.rollBack({ version, person, reason })
      await this.#nowInForce(saved)
      this.notice = { text: `Policy ${saved.version} is in force, the same as policy ${version}.`, bad: false }
    })
  }

  async #nowInForce(saved: Policy): Promise<void> {
    this.inForce = saved
    this.draft = policyDraft.parse(saved)
    this.reason = ''
    this.versions = await this.#live.client.policy.list()
    await this.try()
  }

  async #signed(work: (person: string, reason: string) => Promise<void>): Promise<void> {
    const reason = this.reason.trim()
    const { name } = this.#person
    if (name === null) {
      this.#person.asking = true
      return
    }
    if (reason === '') {
      this.notice = { text: 'Say why: a reason goes with every new policy.', bad: true }
      document.getElementById('policy-reason')?.focus()
      return
    }
    await this.#working('saving', () => work(name, reason))
  }

  async #working(what: string, work: () => Promise<void>): Promise<void> {
    if (this.busy) return
    this.busy = true
    this.notice = null
    try {
      await this.#asking(what, work)
    } finally {
      this.busy = false
    }
  }

  async #asking(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await within(ANSWER_MS, what, work())
    } catch (error) {
      this.notice = { text: inWords(error), bad: true }
    }
  }
}

/** What a person can change, without the promises. */
function essence({ prevalence, bagsPerHour, calibration, classes }: PolicyDraft): unknown {
  const pairs = Object.entries(classes).map(([c, p]) => [
    c,
    p.advisory.threshold,
    p.alarm.threshold,
    p.advisory.setBy,
    p.alarm.setBy,
  ])
  return { prevalence, bagsPerHour, calibration, pairs }
}
