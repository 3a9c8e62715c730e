// The use cases of the Alarms screen (policy.* and alarms.* of the contract): drafts, promises, replays, versions, proposal, drift.
import { histogramOf, operatingCurve } from '../../domain/curves'
import { modelName } from '../../domain/first-policy'
import { held } from '../../domain/outcomes'
import { parseScores, sampleOf, UnusableSample, type Sample } from '../../domain/scores'
import {
  anyPromise,
  policyFrom,
  shareBudget,
  thresholdBy,
  withPromises,
  withThreshold,
  type AlarmTier,
} from '../../domain/thresholds'
import type { ClassScores, DraftEffect, LaneProposal } from '../../shared/alarms'
import { mapClasses, type ThreatClass } from '../../shared/classes'
import type { Calibration, Policy, PolicyDraft, SetBy } from '../../shared/policy'
import type { DriftReport } from '../../shared/status'
import { replay, warnings } from './draft-effect'
import { DriftMonitor, WINDOW } from './drift'
import { NotFound, Refused } from './errors'
import { LaneScores } from './lane-scores'
import type { BagLog, Clock, Inference, KeptState, PolicyBook, Say, ScoredBag } from './ports'

/** Bags kept in memory for replays; the contract's limit. Of these, a reviewed bag counts as one positive bag of each class that was in it. */
const REPLAYED = 20_000

type Unsaved = Omit<Policy, 'version'>

export interface AlarmsStage {
  log: Pick<BagLog, 'lastScores'>
  policies: PolicyBook
  state: KeptState
  inference: Pick<Inference, 'manifest'>
  clock: Clock
  /** the manifest's held-out scores file as text, when the model has one */
  heldOutScores?: (() => Promise<string | null>) | undefined
  say: Say
  /** tells every screen that a new policy is in force */
  announce: (version: number) => void
}

export class Alarms {
  readonly #stage: AlarmsStage
  readonly #model: string
  #heldOut: Sample = { benign: [], positives: mapClasses(() => []) }
  #recent: ScoredBag[] | null = null
  #lane: LaneScores | null = null
  #monitor: { version: number; drift: DriftMonitor } | null = null

  constructor(stage: AlarmsStage) {
    this.#stage = stage
    this.#model = modelName(stage.inference.manifest)
  }

  // ---- what the station calls

  /** Reads the model's held-out scores; resolves to what a person must be told, or null. Never rejects. */
  async start(): Promise<string | null> {
    const { heldOutScores, state, log, inference } = this.#stage
    try {
      const csv = (await heldOutScores?.()) ?? null
      if (csv === null)
        return `Model ${this.#model} came without held-out scores: alarms can be set by hand only, and promise nothing.`
      this.#heldOut = sampleOf(parseScores(csv))
      this.#lane = new LaneScores(state, log, inference.manifest.sha256, this.#model, this.#heldOut)
      return null
    } catch (error) {
      return `The model's held-out scores cannot be used: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  stop(): void {
    this.#lane?.save()
  }

  /** Fills in what a policy promises. */
  promised(policy: Unsaved): Unsaved {
    const sample = this.#heldOut
    return sample.benign.length === 0
      ? policy
      : { ...withPromises(policy, sample), anyAlarm: anyPromise(sample, policy, 'alarm') }
  }

  /** Takes note of a screened bag that is in the log; never throws. */
  saw(bag: ScoredBag): void {
    try {
      // what is made from the log from here on finds this bag there
      if (this.#recent && this.#recent.unshift(bag) > REPLAYED) this.#recent.pop()
      if (this.#monitor && this.#monitor.version === this.#stage.policies.current().version) this.#monitor.drift.saw(bag)
      this.#lane?.saw(bag)
    } catch (error) {
      this.#stage.say(`alarms: ${error instanceof Error ? error.message : String(error)}`, 'error')
    }
  }

  /** An outcome changed: replays and drafts count it. */
  reviewed(): void {
    this.#recent = null
  }

  driftState(): DriftReport['state'] | null {
    try {
      return this.#drift()?.report().state ?? null
    } catch {
      return null // the log's own trouble says why
    }
  }

  // ---- what people ask and do

  /** The policy in force. */
  current(): Policy {
    return this.#stage.policies.current()
  }

  /** Newest first. */
  list(): Policy[] {
    return this.#stage.policies.list()
  }

  /** Throws `NotFound`. */
  get(version: number): Policy {
    const found = this.#stage.policies.get(version)
    if (!found) throw new NotFound(`There is no alarm policy ${version}.`)
    return found
  }

  /** Throws `NotFound`. */
  calibration(version: number): Calibration {
    const found = this.#stage.policies.calibration(version)
    if (!found) throw new NotFound(`There is no calibration ${version}.`)
    return found
  }

  /** What a draft promises and would have done on the last bags. Throws `NotFound` or `Refused`, as all below. */
  try({ draft, lastBags }: { draft: PolicyDraft; lastBags: number }): DraftEffect {
    this.#usable(draft.calibration)
    const sample = this.#sample()
    const bags = this.#lastBags().slice(0, lastBags)
    const { classes } = withPromises(draft, sample)
    const promise = (c: ThreatClass, tier: AlarmTier) => classes[c][tier].promise ?? noPromise()
    const promises = mapClasses((c) => ({ advisory: promise(c, 'advisory'), alarm: promise(c, 'alarm') }))
    return {
      promises,
      anyAlarm: anyPromise(sample, draft, 'alarm'),
      replay: replay(draft, this.current(), bags),
      warnings: warnings(draft, { promises }, this.#heldOut.benign.length, bags),
    }
  }

  /** Sets one threshold of a draft by a rule. */
  set({ draft, class: c, tier, by }: { draft: PolicyDraft; class: ThreatClass; tier: AlarmTier; by: SetBy }): PolicyDraft {
    return refusing(() => {
      const { classes } = this.#usable(draft.calibration)
      return withThreshold(draft, c, tier, thresholdBy(by, c, this.#sample(), classes[c], draft), by)
    })
  }

  /** Sets one tier of all classes by a false-alarm budget of the bag. */
  share({ draft, tier, by }: { draft: PolicyDraft; tier: AlarmTier; by: SetBy }): PolicyDraft {
    return refusing(() => shareBudget(draft, tier, by, this.#sample()))
  }

  save({ draft, person, reason }: { draft: PolicyDraft; person: string; reason: string }): Policy {
    const signed = { createdAt: this.#stage.clock.now(), author: person, reason }
    return refusing(() => this.#saved(policyFrom(draft, this.#sample(), signed, this.#usable(draft.calibration))))
  }

  /** Makes a new version equal to an old one. */
  rollBack({ version, person, reason }: { version: number; person: string; reason: string }): Policy {
    const old = this.get(version)
    if (old.modelSha256 !== this.#stage.inference.manifest.sha256)
      throw new Refused(`Policy ${version} belongs to ${old.model}; its thresholds mean nothing under ${this.#model}.`)
    const { version: _, ...rest } = old
    const createdAt = this.#stage.clock.now()
    return this.#saved({ ...rest, createdAt, author: person, reason: `Back to policy ${version}: ${reason}` })
  }

  /** A class's scores and operating curve, under a draft or the policy in force. */
  of({ class: c, draft }: { class: ThreatClass; draft?: PolicyDraft | undefined }): ClassScores {
    const policy = draft ?? this.current()
    const sample = this.#sample()
    return {
      class: c,
      histogram: histogramOf(sample, c),
      curve: operatingCurve(sample, c, policy.prevalence[c]),
      benign: sample.benign.length,
      positives: sample.positives[c].length,
    }
  }

  /** Thresholds that the lane's own scores support. */
  proposal({ per1000 }: { per1000: number }): LaneProposal {
    if (!this.#lane) throw new Refused('The model came without a usable sample, so the lane cannot be learned from.')
    return this.#lane.proposal(per1000, this.current(), this.#sample())
  }

  drift(): DriftReport {
    return this.#drift()?.report() ?? { state: 'learning', signals: [], prevalence: null }
  }

  // ----

  #saved(policy: Unsaved): Policy {
    const made = this.#stage.policies.save(policy)
    this.#stage.announce(made.version)
    return made
  }

  /** A calibration that fits the model that runs. */
  #usable(version: number): Calibration {
    const found = this.calibration(version)
    if (found.modelSha256 !== this.#stage.inference.manifest.sha256)
      throw new Refused(`Calibration ${version} belongs to ${found.model}, not to the model that runs (${this.#model}).`)
    return found
  }

  /** Newest first; only this model's bags: another network's scores mean nothing under these thresholds. */
  #lastBags(): ScoredBag[] {
    this.#recent ??= this.#stage.log.lastScores(REPLAYED).filter((bag) => bag.model === this.#model)
    return this.#recent
  }

  /** Held-out scores, and threats that supervisors found on the lane. */
  #sample(): Sample {
    const { benign, positives } = this.#heldOut
    const reviewed = (c: ThreatClass) => this.#lastBags().flatMap((bag) => (held(bag.outcome, c) ? [bag.fused] : []))
    return { benign, positives: mapClasses((c) => [...positives[c], ...reviewed(c)]) }
  }

  /** The monitor of the policy in force; null where that belongs to another model. */
  #drift(): DriftMonitor | null {
    const { policies, inference } = this.#stage
    if (policies.isEmpty()) return null
    const policy = policies.current()
    const calibration = policies.calibration(policy.calibration)
    if (policy.modelSha256 !== inference.manifest.sha256 || !calibration) return null
    if (this.#monitor?.version !== policy.version) {
      const drift = new DriftMonitor({ manifest: inference.manifest, sample: this.#heldOut, policy, calibration })
      // what the lane showed last is not forgotten at a restart or a new policy
      const window = this.#lastBags().slice(0, 2 * WINDOW)
      for (const bag of window.reverse()) drift.saw(bag)
      this.#monitor = { version: policy.version, drift }
    }
    return this.#monitor.drift
  }
}

/** What a sample cannot bear is a refusal with its reason. */
function refusing<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof UnusableSample || error instanceof RangeError) throw new Refused(error.message)
    throw error
  }
}

function noPromise(): never {
  throw new Error('a promise was not made')
}
