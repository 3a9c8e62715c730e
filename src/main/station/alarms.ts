// The use cases of the Alarms screen (policy.* and alarms.* of the contract): drafts, promises, replays, versions, proposal, drift.
import { histogramOf, operatingCurve } from '../../domain/curves'
import { held, heldThreat } from '../../domain/outcomes'
import { tiersOf, verdictOf } from '../../domain/policy'
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
import { mapClasses, THREAT_CLASSES, type ThreatClass } from '../../shared/classes'
import type { Calibration, Policy, PolicyDraft, SetBy } from '../../shared/policy'
import type { DriftReport } from '../../shared/status'
import type { ClassScores, DraftEffect, LaneProposal } from '../../shared/alarms'
import { modelName } from '../../domain/first-policy'
import { DriftMonitor, WINDOW } from './drift'
import { LaneScores } from './lane-scores'
import type { ScoredBag } from './ports'
import { NotFound, Refused, type StationOptions } from './types'

/** Bags kept in memory for replays; the contract's limit. */
const REPLAYED = 20_000
const DIFFER = 200
/** A reviewed bag counts as one positive bag of each class that was in it. */
const REVIEWED_FROM = REPLAYED

export interface Alarms {
  /** Reads the model's held-out scores; resolves to what a person must be told, or null. Never rejects. */
  start(): Promise<string | null>
  /** Fills in what a policy promises. */
  promised(policy: Omit<Policy, 'version'>): Omit<Policy, 'version'>
  /** Takes note of a screened bag that is in the log; never throws. */
  saw(bag: ScoredBag): void
  /** An outcome changed: replays and drafts count it. */
  reviewed(): void
  stop(): void
  driftState(): DriftReport['state'] | null

  try(input: { draft: PolicyDraft; lastBags: number }): DraftEffect
  set(input: { draft: PolicyDraft; class: ThreatClass; tier: AlarmTier; by: SetBy }): PolicyDraft
  share(input: { draft: PolicyDraft; tier: AlarmTier; by: SetBy }): PolicyDraft
  save(input: { draft: PolicyDraft; person: string; reason: string }): Policy
  rollBack(input: { version: number; person: string; reason: string }): Policy
  of(input: { class: ThreatClass; draft?: PolicyDraft | undefined }): ClassScores
  proposal(input: { per1000: number }): LaneProposal
  drift(): DriftReport
}

export interface AlarmsOptions extends Pick<
  StationOptions,
  'log' | 'policies' | 'state' | 'inference' | 'clock' | 'heldOutScores' | 'say'
> {
  /** tells every screen that a new policy is in force */
  announce: (version: number) => void
}

export function makeAlarms({ log, policies, state, inference, clock, heldOutScores, say, announce }: AlarmsOptions): Alarms {
  const { manifest } = inference
  const model = modelName(manifest)
  let heldOut: Sample = { benign: [], positives: mapClasses(() => []) }
  let recent: ScoredBag[] | null = null
  let lane: LaneScores | null = null
  let monitor: { version: number; drift: DriftMonitor } | null = null

  /** Newest first; only this model's bags: another network's scores mean nothing under these thresholds. */
  const lastBags = (): ScoredBag[] => (recent ??= log.lastScores(REPLAYED).filter((bag) => bag.model === model))

  /** Held-out scores, and threats that supervisors found on the lane. */
  const sample = (): Sample => {
    const found = lastBags()
      .slice(0, REVIEWED_FROM)
      .filter((bag) => heldThreat(bag.outcome))
    if (found.length === 0) return heldOut
    return {
      benign: heldOut.benign,
      positives: mapClasses((c) => [...heldOut.positives[c], ...found.filter((b) => held(b.outcome, c)).map((b) => b.fused)]),
    }
  }

  const calibrationOf = (version: number): Calibration => {
    const found = policies.calibration(version)
    if (!found) throw new NotFound(`There is no calibration ${version}.`)
    if (found.modelSha256 !== manifest.sha256)
      throw new Refused(`Calibration ${version} belongs to ${found.model}, not to the model that runs (${model}).`)
    return found
  }

  /** What a sample cannot bear is a refusal with its reason. */
  const refusing = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      if (error instanceof UnusableSample || error instanceof RangeError) throw new Refused(error.message)
      throw error
    }
  }

  const saved = (policy: Omit<Policy, 'version'>): Policy => {
    const made = policies.save(policy)
    announce(made.version)
    return made
  }

  const drift = (): DriftMonitor | null => {
    if (policies.isEmpty()) return null
    const policy = policies.current()
    const calibration = policies.calibration(policy.calibration)
    if (policy.modelSha256 !== manifest.sha256 || !calibration) return null
    if (monitor?.version !== policy.version) {
      const made = new DriftMonitor({ manifest, sample: heldOut, policy, calibration })
      // what the lane showed last is not forgotten at a restart or a new policy
      for (const bag of lastBags()
        .slice(0, 2 * WINDOW)
        .reverse())
        made.saw(bag)
      monitor = { version: policy.version, drift: made }
    }
    return monitor.drift
  }

  const replay = (draft: PolicyDraft, bags: readonly ScoredBag[]): DraftEffect['replay'] => {
    const inForce = { alarms: 0, advisories: 0, confirmed: 0 }
    const drafted = { alarms: 0, advisories: 0, confirmed: 0 }
    const differ: number[] = []
    const policy = policies.current()
    for (const bag of bags) {
      const verdicts = [policy, draft].map((p) => verdictOf(tiersOf(bag.fused, p)))
      const known = heldThreat(bag.outcome)
      for (const [i, counts] of [inForce, drafted].entries()) {
        if (verdicts[i] === 'alarm') counts.alarms++
        else if (verdicts[i] === 'advisory') counts.advisories++
        if (known && verdicts[i] === 'alarm') counts.confirmed++
      }
      if (verdicts[0] !== verdicts[1] && differ.length < DIFFER) differ.push(bag.id)
    }
    return { bags: bags.length, inForce, draft: drafted, differ }
  }

  const warnings = (
    draft: PolicyDraft,
    effect: Pick<DraftEffect, 'promises' | 'anyAlarm'>,
    bags: readonly ScoredBag[],
  ): string[] => {
    const says: string[] = []
    if (heldOut.benign.length === 0)
      says.push('The model came without held-out scores: nothing can be promised of any threshold.')
    const unseen = THREAT_CLASSES.filter((c) => effect.promises[c].alarm.positives === 0)
    if (unseen.length) says.push(`No bag with ${unseen.join(', ')} is in the sample: how many would be found is not known.`)
    const weak = THREAT_CLASSES.filter((c) => (effect.promises[c].alarm.recall ?? 1) < 0.5)
    if (weak.length)
      says.push(
        `The alarm would miss more than half of: ${weak.map((c) => `${c} (finds ${percent(effect.promises[c].alarm.recall ?? 0)})`).join(', ')}.`,
      )
    const lost = bags.filter((b) => heldThreat(b.outcome) && verdictOf(tiersOf(b.fused, draft)) === 'clear')
    if (lost.length)
      says.push(
        `Bags that held a threat and would pass as clear: ${lost
          .slice(0, 5)
          .map((b) => b.id)
          .join(', ')}${lost.length > 5 ? ' …' : ''}.`,
      )
    const reviewed = bags.filter((b) => heldThreat(b.outcome) && b.outcome.found.length > 0).length
    if (reviewed)
      says.push(
        `The shares found include ${reviewed} reviewed ${reviewed === 1 ? 'bag' : 'bags'} of the lane; threats that nobody found are not among them.`,
      )
    return says
  }

  return {
    async start() {
      try {
        const csv = (await heldOutScores?.()) ?? null
        if (csv === null)
          return `Model ${model} came without held-out scores: alarms can be tuned by hand only, and promise nothing.`
        const scans = parseScores(csv)
        heldOut = sampleOf(scans)
        lane = new LaneScores(state, log, manifest.sha256, model, heldOut)
        return null
      } catch (error) {
        return `The model's held-out scores cannot be used: ${error instanceof Error ? error.message : String(error)}`
      }
    },
    promised: (policy) =>
      heldOut.benign.length === 0 ? policy : { ...withPromises(policy, heldOut), anyAlarm: anyPromise(heldOut, policy, 'alarm') },
    saw(bag) {
      try {
        // what is made from the log from here on finds this bag there
        if (recent && recent.unshift(bag) > REPLAYED) recent.pop()
        if (monitor && monitor.version === policies.current().version) monitor.drift.saw(bag)
        lane?.saw(bag)
      } catch (error) {
        say?.(`alarms: ${error instanceof Error ? error.message : String(error)}`)
      }
    },
    reviewed: () => {
      recent = null
    },
    stop: () => lane?.save(),
    driftState() {
      try {
        return drift()?.report().state ?? null
      } catch {
        return null // the log's own trouble says why
      }
    },

    try({ draft, lastBags: last }) {
      calibrationOf(draft.calibration)
      const s = sample()
      const { classes } = withPromises(draft, s)
      const bags = lastBags().slice(0, last)
      const tier = (c: ThreatClass, t: AlarmTier) => classes[c][t].promise ?? fail()
      const promises = mapClasses((c) => ({ advisory: tier(c, 'advisory'), alarm: tier(c, 'alarm') }))
      const effect = { promises, anyAlarm: anyPromise(s, draft, 'alarm') }
      return { ...effect, replay: replay(draft, bags), warnings: warnings(draft, effect, bags) }
    },
    set: ({ draft, class: c, tier, by }) =>
      refusing(() => {
        const { classes } = calibrationOf(draft.calibration)
        return withThreshold(draft, c, tier, thresholdBy(by, c, sample(), classes[c], draft), by)
      }),
    share: ({ draft, tier, by }) => refusing(() => shareBudget(draft, tier, by, sample())),
    save: ({ draft, person, reason }) =>
      refusing(() =>
        saved(policyFrom(draft, sample(), { createdAt: clock.now(), author: person, reason }, calibrationOf(draft.calibration))),
      ),
    rollBack({ version, person, reason }) {
      const old = policies.get(version)
      if (!old) throw new NotFound(`There is no alarm policy ${version}.`)
      if (old.modelSha256 !== manifest.sha256)
        throw new Refused(`Policy ${version} belongs to ${old.model}; its thresholds mean nothing under ${model}.`)
      const { version: _, ...rest } = old
      return saved({ ...rest, createdAt: clock.now(), author: person, reason: `Back to policy ${version}: ${reason}` })
    },
    of({ class: c, draft }) {
      const policy = draft ?? policies.current()
      const s = sample()
      return {
        class: c,
        histogram: histogramOf(s, c),
        curve: operatingCurve(s, c, policy.prevalence[c]),
        benign: s.benign.length,
        positives: s.positives[c].length,
      }
    },
    proposal({ per1000 }) {
      if (!lane) throw new Refused('The model came without a usable sample, so the lane cannot be learned from.')
      return lane.proposal(per1000, policies.current(), sample())
    },
    drift: () => drift()?.report() ?? { state: 'learning', signals: [], prevalence: null },
  }
}

const percent = (share: number): string => `${Math.round(100 * share)} %`
const fail = (): never => {
  throw new Error('a promise was not made')
}
