// The Alarms screen's state: a draft beside the policy in force, what it promises, and the versions to go back to.
import { withThreshold, type AlarmTier } from '../../domain/thresholds'
import type { ThreatClass } from '../../shared/classes'
import { policyDraft, type Policy, type PolicyDraft, type SetBy } from '../../shared/policy'
import type { DriftReport } from '../../shared/status'
import type { ClassScores, DraftEffect, LaneProposal } from '../../shared/alarms'
import { inWords, within } from './client'
import { sameDraft } from './draft'
import type { Live } from './live.svelte'
import type { Person } from './person.svelte'

export type Tab = 'thresholds' | 'versions' | 'drift'
const ANSWER_MS = 15_000
/** Bags of the log that a draft is replayed on. */
export const REPLAYED = 5000

export class Alarms {
  readonly #live: Live
  readonly #person: Person
  #tab = $state<Tab>('thresholds')
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
  /** the screen is shown: what changes on the station is followed */
  #shown = false
  #following: Promise<void> = Promise.resolve()
  #driftAsked: 'no' | 'asked' | 'again' = 'no'
  readonly stop: () => void

  constructor(live: Live, person: Person) {
    this.#live = live
    this.#person = person
    const stops = [live.onPolicy(() => this.#follow()), live.onBag(() => this.#followDrift())]
    this.stop = () => stops.forEach((stop) => stop())
  }

  /** The screen is shown. Returns the way to leave it. */
  enter(): () => void {
    this.#shown = true
    this.#follow()
    this.#followDrift()
    return () => (this.#shown = false)
  }

  get tab(): Tab {
    return this.#tab
  }
  set tab(tab: Tab) {
    this.#tab = tab
    this.#followDrift()
  }

  /** Takes up what was saved since this screen looked last; one look at a time, so that none is lost. */
  #follow(): void {
    if (this.#shown) this.#following = this.#following.then(() => this.#catchUp())
  }

  async #catchUp(): Promise<void> {
    if (!this.#live.connected) return
    const before = this.inForce
    await this.#asking('reading the policies', async () => {
      const { policy } = this.#live.client
      const current = await policy.current()
      const known = this.versions[0]?.version ?? null
      const missing = known === null ? [] : Array.from({ length: current.version - known }, (_, i) => known + 1 + i)
      const fetched = await Promise.all(missing.map((version) => policy.get({ version })))
      this.versions = known === null ? await policy.list() : [...fetched.reverse(), ...this.versions]
      this.#take(current)
    })
    if (this.inForce === before) return
    await Promise.all([this.#loadClass(), this.try()])
  }

  /** A policy came into force. A draft that was begun is kept. */
  #take(current: Policy): void {
    if (this.inForce?.version === current.version) return
    const begun = this.draft !== null && this.changed
    if (begun && this.inForce !== null)
      this.notice = { text: `Policy ${current.version} by ${current.author} is in force now. Your draft is kept.`, bad: false }
    this.inForce = current
    if (!begun) this.draft = policyDraft.parse(current)
  }

  /** The drift view follows the lane: at most one question is on its way. */
  #followDrift(): void {
    if (!this.#shown || this.#tab !== 'drift' || !this.#live.connected) return
    if (this.#driftAsked !== 'no') {
      this.#driftAsked = 'again'
      return
    }
    this.#driftAsked = 'asked'
    void this.#loadDrift().finally(() => {
      const again = this.#driftAsked === 'again'
      this.#driftAsked = 'no'
      if (again) this.#followDrift()
    })
  }

  /** Whether the draft differs from the policy in force. */
  readonly changed = $derived(this.draft !== null && this.inForce !== null && !sameDraft(this.draft, this.inForce))
  readonly pair = $derived(this.draft?.classes[this.class] ?? null)
  readonly promise = $derived(this.effect?.promises[this.class][this.tier] ?? null)

  async #loadDrift(): Promise<void> {
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

  /** The tier whose promise is shown. */
  hold(tier: AlarmTier): void {
    this.tier = tier
  }

  /** Moves a threshold of the chosen class by hand; the other tier gives way where they would cross. */
  move(tier: AlarmTier, threshold: number): void {
    if (this.draft === null || !Number.isFinite(threshold)) return
    this.tier = tier
    if (threshold === this.draft.classes[this.class][tier].threshold) return
    this.draft = withThreshold(this.draft, this.class, tier, threshold, { kind: 'hand' })
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
    this.#tab = 'thresholds'
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
    this.draft = null // it has become the policy
    this.#take(saved)
    this.reason = ''
    this.#follow()
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
