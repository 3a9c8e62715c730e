// Judges a bag: fused logits → posteriors, tiers, verdict, under one policy and its calibration.
import { mapClasses, THREAT_CLASSES, type PerClass, type ThreatClass, type Tier, type Verdict } from '../shared/classes'
import type { Calibration, ClassPolicy, Policy, PolicyDraft } from '../shared/policy'
import { posteriorAt } from './calibration'

export interface ClassJudgement {
  /** posterior at the lane's prevalence, 0–1 */
  posterior: number
  tier: Tier
}
export interface Judgement {
  classes: PerClass<ClassJudgement>
  verdict: Exclude<Verdict, 'unscreenable'>
}

/** A bag that cannot be judged: never clear, the caller makes it `unscreenable` with this reason. */
export class CannotJudge extends Error {
  override readonly name = 'CannotJudge'
}

/** The tier a fused logit reaches; thresholds belong to their tier (≥). Throws CannotJudge where a number is missing or the order is broken. */
export function tierOf(fused: number, policy: ClassPolicy, name: string = 'a class'): Tier {
  const { advisory, alarm } = policy
  if (!Number.isFinite(fused)) throw new CannotJudge(`The network gave no usable score for ${name} (${fused}).`)
  if (!Number.isFinite(advisory.threshold) || !Number.isFinite(alarm.threshold) || advisory.threshold > alarm.threshold)
    throw new CannotJudge(`The alarm policy has no usable thresholds for ${name}.`)
  return fused >= alarm.threshold ? 'alarm' : fused >= advisory.threshold ? 'advisory' : 'none'
}

/** The worst tier of any class, as a verdict. */
export function verdictOf(tiers: PerClass<Tier>): Judgement['verdict'] {
  const any = (tier: Tier): boolean => THREAT_CLASSES.some((c) => tiers[c] === tier)
  return any('alarm') ? 'alarm' : any('advisory') ? 'advisory' : 'clear'
}

/** Tiers of a bag under a policy or draft, without posteriors: what replays need. */
export function tiersOf(fused: PerClass<number>, policy: Pick<PolicyDraft, 'classes'>): PerClass<Tier> {
  return mapClasses((c) => tierOf(fused[c], policy.classes[c], c))
}

/**
 * Judges a bag's fused logits (mean of the levels' logits, by class). Throws CannotJudge on a score, threshold or posterior that is not a
 * finite number, and where the calibration is not the one that the policy names: a failure must never look like a clear bag.
 */
export function judge(fused: PerClass<number>, policy: Policy, calibration: Calibration): Judgement {
  if (calibration.version !== policy.calibration)
    throw new CannotJudge(`Policy ${policy.version} belongs to calibration ${policy.calibration}, not ${calibration.version}.`)
  const tiers = tiersOf(fused, policy)
  const classes = mapClasses((c: ThreatClass) => {
    const posterior = posteriorAt(calibration.classes[c], fused[c], policy.prevalence[c])
    if (!(posterior >= 0 && posterior <= 1)) throw new CannotJudge(`The calibration gives no probability for ${c}.`)
    return { posterior, tier: tiers[c] }
  })
  return { classes, verdict: verdictOf(tiers) }
}
