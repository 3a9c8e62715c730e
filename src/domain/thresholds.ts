// Sets thresholds by what a supervisor understands, and says what each one promises, with its uncertainty.
import { mapClasses, THREAT_CLASSES, type PerClass, type ThreatClass } from '../shared/classes'
import type { Calibration, ClassCalibration, ClassPolicy, Policy, PolicyDraft, SetBy, ThresholdPromise } from '../shared/policy'
import { posteriorAt } from './calibration'
import { wilson } from './metrics'
import { bagsToBound, betaQuantile, upperBound } from './rates'
import { checkBenign, UnusableSample, type Sample } from './scores'
import { budgetThreshold, heightOf, tailScales, thresholdsAt } from './shared-budget'

/** Hours that a lane works in a month: 60,000 bags at 300 an hour. */
export const HOURS_PER_MONTH = 200
export type AlarmTier = 'advisory' | 'alarm'

export interface Lane {
  /** share of bags with what the promise is about */
  prevalence: number
  bagsPerHour: number
}

/**
 * What a rule promises that fired on `falseAlarms` of `benign` independent benign bags and on the share `recall` of `positives` threat bags.
 * With no benign bag everything may alarm: the rate and its bound are 1. PPV is at the *bound* of the false-alarm rate: at least this.
 */
export function promiseOf(
  counts: { falseAlarms: number; benign: number; recall: number | null; positives: number },
  lane: Lane,
  budget: number | null,
): ThresholdPromise {
  const { falseAlarms, benign, positives } = counts
  const rate = benign > 0 ? falseAlarms / benign : 1
  const upper = upperBound(falseAlarms, benign)
  const recall = positives > 0 ? counts.recall : null
  const benignPerHour = lane.bagsPerHour * (1 - lane.prevalence)
  const threatsPerHour = lane.bagsPerHour * lane.prevalence
  const truePerBag = recall === null ? null : lane.prevalence * recall
  const missesPerHour = recall === null ? null : threatsPerHour * (1 - recall)
  return {
    benign,
    positives,
    falseAlarmRate: rate,
    falseAlarmUpper95: upper,
    recall,
    recallInterval: recall === null ? null : clip(wilson(recall * positives, positives)),
    ppv: truePerBag === null ? null : truePerBag / (truePerBag + (1 - lane.prevalence) * upper),
    falseAlarmsPerHour: rate * benignPerHour,
    falseAlarmsPerHourUpper95: upper * benignPerHour,
    falseAlarmsPerMonth: rate * benignPerHour * HOURS_PER_MONTH,
    missesPerHour,
    missesPerMonth: missesPerHour === null ? null : missesPerHour * HOURS_PER_MONTH,
    moreBenignNeeded: budget === null ? null : upper <= budget ? 0 : moreBenign(falseAlarms, benign, budget),
  }
}

const clip = ([low, high]: [number, number]): [number, number] => [Math.min(1, Math.max(0, low)), Math.min(1, Math.max(0, high))]

/** Further benign bags until `budget` can be promised: without a further alarm where none was seen, at the rate seen where it is below the budget, else for a stricter threshold. */
function moreBenign(falseAlarms: number, benign: number, budget: number): number {
  const least = bagsToBound(budget)
  if (falseAlarms === 0 || falseAlarms / benign >= budget) return Math.max(1, least - benign)
  const rate = falseAlarms / benign
  let low = benign
  let high = benign * 2
  while (upperBound(Math.ceil(rate * high), high) > budget && high < 1e9) high *= 2
  while (high - low > 1) {
    const mid = Math.floor((low + high) / 2)
    if (upperBound(Math.ceil(rate * mid), mid) <= budget) high = mid
    else low = mid
  }
  return high - benign
}

/** Budget of a rule as a rate a benign bag, null where it has none. */
export function budgetRate(by: SetBy, bagsPerHour: number): number | null {
  if (by.kind === 'budget-per-1000' || by.kind === 'lane-quantile') return by.value / 1000
  if (by.kind === 'budget-per-hour') return Math.min(1, by.value / bagsPerHour)
  return null
}

/** Whether a budget is the bag's, shared by all classes. */
export const isShared = (by: SetBy): boolean => by.kind === 'lane-quantile' || ('scope' in by && by.scope === 'bag')

/** What one class's threshold promises; reaching a tier means reaching it or the one above. */
export function classPromise(
  sample: Sample,
  c: ThreatClass,
  threshold: number,
  draft: Pick<PolicyDraft, 'prevalence' | 'bagsPerHour'>,
  by: SetBy,
): ThresholdPromise {
  const positives = sample.positives[c]
  const found = positives.filter((z) => z[c] >= threshold).length
  return promiseOf(
    {
      falseAlarms: sample.benign.filter((z) => z[c] >= threshold).length,
      benign: sample.benign.length,
      recall: positives.length ? found / positives.length : null,
      positives: positives.length,
    },
    { prevalence: draft.prevalence[c], bagsPerHour: draft.bagsPerHour },
    isShared(by) ? null : budgetRate(by, draft.bagsPerHour),
  )
}

/** What the bag may expect: any class reaching the tier. Recall is over threats as they split on the lane; PPV counts an alarm of any class. */
export function anyPromise(sample: Sample, draft: PolicyDraft, tier: AlarmTier): ThresholdPromise {
  const reaches = (z: PerClass<number>): boolean => THREAT_CLASSES.some((c) => z[c] >= draft.classes[c][tier].threshold)
  const seen = THREAT_CLASSES.filter((c) => sample.positives[c].length > 0)
  const weight = seen.reduce((s, c) => s + draft.prevalence[c], 0)
  const recall = seen.reduce(
    (s, c) => s + (draft.prevalence[c] / weight) * (sample.positives[c].filter(reaches).length / sample.positives[c].length),
    0,
  )
  const shared = THREAT_CLASSES.map((c) => draft.classes[c][tier].setBy).filter(isShared)
  const budgets = shared.map((by) => budgetRate(by, draft.bagsPerHour) ?? 1)
  return promiseOf(
    {
      falseAlarms: sample.benign.filter(reaches).length,
      benign: sample.benign.length,
      recall: seen.length === THREAT_CLASSES.length ? recall : null,
      positives: seen.reduce((s, c) => s + sample.positives[c].length, 0),
    },
    { prevalence: anyPrevalence(draft.prevalence), bagsPerHour: draft.bagsPerHour },
    shared.length === THREAT_CLASSES.length ? Math.min(...budgets) : null,
  )
}

/** Share of bags with any threat; classes are taken as disjoint, as they nearly are at these rates. */
export const anyPrevalence = (prevalence: PerClass<number>): number =>
  Math.min(
    0.5,
    THREAT_CLASSES.reduce((s, c) => s + prevalence[c], 0),
  )

/** Score at which the posterior reaches `posterior` (0–1), by bisection on the monotone map. Throws UnusableSample where it never does. */
export function scoreAtPosterior(calibration: ClassCalibration, prevalence: number, posterior: number, what: string): number {
  const value = (z: number): number => posteriorAt(calibration, z, prevalence)
  let [low, high] = [-1, 1]
  while (value(low) >= posterior && low > -1e4) low *= 2
  while (value(high) < posterior && high < 1e4) high *= 2
  if (value(low) >= posterior) return low
  if (value(high) < posterior)
    throw new UnusableSample(
      `No ${what} score reaches a posterior of ${posterior.toPrecision(2)} under this calibration; lower the cost of a false alarm.`,
    )
  for (let i = 0; i < 200 && high - low > 1e-12 * Math.max(1, Math.abs(high)); i++) {
    const mid = (low + high) / 2
    if (value(mid) >= posterior) high = mid
    else low = mid
  }
  return high
}

/**
 * The threshold (fused logit) of a class by a rule. Budgets keep to the bound, not the hope (`budgetThreshold`); a least recall holds with 95 %
 * confidence: recall at the j-th lowest of n independent threats is Beta(n−j+1, j), j is the largest whose 5 % quantile keeps to it.
 * Throws UnusableSample with the reason where the sample cannot support the rule at all.
 */
export function thresholdBy(
  by: SetBy,
  c: ThreatClass,
  sample: Sample,
  calibration: ClassCalibration,
  draft: Pick<PolicyDraft, 'prevalence' | 'bagsPerHour'>,
): number {
  switch (by.kind) {
    case 'budget-per-1000':
    case 'budget-per-hour': {
      checkBenign(sample, [c])
      const rate = budgetRate(by, draft.bagsPerHour) ?? 1
      return budgetThreshold(
        sample.benign.map((z) => z[c]),
        rate,
      ).threshold
    }
    case 'recall': {
      const scores = sample.positives[c].map((z) => z[c]).sort((a, b) => a - b)
      const n = scores.length
      if (n === 0) throw new UnusableSample(`There is no bag with ${c} in the sample, so no recall can be told.`)
      let j = 0
      while (j < n && betaQuantile(0.05, n - j, j + 1) >= by.value) j++
      if (j === 0) {
        const needed =
          by.value < 1
            ? `${Math.ceil(Math.log(0.05) / Math.log(by.value))} bags with ${c} are needed`
            : 'no sample can promise that'
        throw new UnusableSample(
          `${n} independent bags with ${c} cannot promise a recall of ${(by.value * 100).toFixed(1)} %: ${needed}.`,
        )
      }
      return scores[j - 1] ?? NaN
    }
    case 'cost-ratio':
      return scoreAtPosterior(calibration, draft.prevalence[c], 1 / (1 + by.value), c)
    case 'lane-quantile':
      throw new UnusableSample("A threshold from the lane's own scores comes with the lane's proposal, for all classes at once.")
    case 'manifest':
    case 'hand':
      throw new UnusableSample('A threshold set by hand or by the manifest has no rule to set it by.')
  }
}

/** Sets one threshold of a draft and keeps the order: an advisory is drawn down (or an alarm up) with the other where they would cross. */
export function withThreshold<D extends PolicyDraft>(draft: D, c: ThreatClass, tier: AlarmTier, threshold: number, by: SetBy): D {
  if (!Number.isFinite(threshold)) throw new RangeError(`a threshold of ${threshold} is none`)
  const set = { threshold, setBy: by, promise: null }
  const { advisory, alarm } = draft.classes[c]
  const moved = { threshold, setBy: { kind: 'hand' as const }, promise: null }
  const pair: ClassPolicy =
    tier === 'alarm'
      ? { alarm: set, advisory: advisory.threshold <= threshold ? advisory : moved }
      : { advisory: set, alarm: alarm.threshold >= threshold ? alarm : moved }
  return { ...draft, classes: { ...draft.classes, [c]: pair } }
}

/** Sets one tier of every class so that a benign bag reaches it with any class at most at `rate` (upper 95 % bound), each class with about the same share. */
export function shareBudget<D extends PolicyDraft>(draft: D, tier: AlarmTier, by: SetBy, sample: Sample): D {
  const rate = budgetRate(by, draft.bagsPerHour)
  if (rate === null) throw new UnusableSample('Only a false-alarm budget can be shared by the classes.')
  checkBenign(sample)
  const scales = tailScales(sample.benign)
  const { threshold: level } = budgetThreshold(
    sample.benign.map((z) => heightOf(z, scales)),
    rate,
  )
  const thresholds = thresholdsAt(level, scales)
  return THREAT_CLASSES.reduce((d, c) => withThreshold(d, c, tier, thresholds[c], by), draft)
}

/** The draft with every promise filled in from the sample. */
export function withPromises<D extends PolicyDraft>(draft: D, sample: Sample): D {
  return {
    ...draft,
    classes: mapClasses((c) => {
      const tier = (t: AlarmTier) => {
        const { threshold, setBy } = draft.classes[c][t]
        return { threshold, setBy, promise: classPromise(sample, c, threshold, draft, setBy) }
      }
      return { advisory: tier('advisory'), alarm: tier('alarm') }
    }),
  }
}

/** A policy from a draft, its promises included; throws RangeError where an advisory would lie above its alarm. */
export function policyFrom(
  draft: PolicyDraft,
  sample: Sample,
  made: Pick<Policy, 'createdAt' | 'author' | 'reason'>,
  calibration: Pick<Calibration, 'model' | 'modelSha256' | 'version'>,
): Omit<Policy, 'version'> {
  for (const c of THREAT_CLASSES) {
    const { advisory, alarm } = draft.classes[c]
    if (!(advisory.threshold <= alarm.threshold))
      throw new RangeError(`The advisory threshold for ${c} lies above its alarm threshold.`)
  }
  const { prevalence, bagsPerHour, classes } = withPromises(draft, sample)
  return {
    prevalence,
    bagsPerHour,
    classes,
    calibration: calibration.version,
    model: calibration.model,
    modelSha256: calibration.modelSha256,
    ...made,
    anyAlarm: anyPromise(sample, draft, 'alarm'),
  }
}
