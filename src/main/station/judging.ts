// The one judging room: a scan's bytes in, its record out. The station and every command that judges a scan go through here, so that each
// safety rule (a second try, no third; a policy of another model; anything that fails is unscreenable) stands once.
import { modelName } from '../../domain/first-policy'
import { judge } from '../../domain/policy'
import { mapClasses, type PerClass } from '../../shared/classes'
import type { ClassOutput, Inference, NetworkOutput, PolicyBook, ScreenedRecord } from './ports'
import { plainReason } from './reasons'

/** What the room needs: a network, the policies that judge it, and the time. */
export interface JudgingMeans {
  inference: Pick<Inference, 'screen' | 'manifest'>
  policies: Pick<PolicyBook, 'current' | 'calibration'>
  clock: { now(): number }
}

export interface Judged {
  record: ScreenedRecord
  /** the heatmap sheet, PNG; null for a bag that is clear or unscreenable */
  heatmap: Uint8Array | null
  /** the scan's thumbnail, where screening made one */
  thumbnail: Uint8Array | null
  /** the program stops and the bag was given no answer: its record must not be kept, so that the next start finishes it */
  interrupted: boolean
}

/** The record of a bag that could not be analysed. `now` in epoch ms. */
export function unscreenable(reason: string, now: number): ScreenedRecord {
  return {
    verdict: 'unscreenable',
    reason,
    width: null,
    height: null,
    classes: null,
    statistics: null,
    model: null,
    policy: null,
    provider: null,
    ms: null,
    screenedAt: now,
    heatmap: null,
  }
}

/** Screens and judges a scan's bytes, as the file has them. Never rejects: whatever fails makes an unscreenable record. */
export async function screenAndJudge(
  bytes: Uint8Array,
  means: JudgingMeans,
  stopping: () => boolean = () => false,
): Promise<Judged> {
  const { inference, policies, clock } = means
  const failed = (reason: string, interrupted = false): Judged => ({
    record: unscreenable(reason, clock.now()),
    heatmap: null,
    thumbnail: null,
    interrupted,
  })
  try {
    const { classes } = policies.current()
    // only what reaches a tier is drawn at once
    const heatFrom = mapClasses((c) => classes[c].advisory.threshold)
    let result = await inference.screen(bytes, heatFrom)
    // the process died or hung: this bag may have done it, so it gets one more try and no third
    if (!result.ok && result.retry && !stopping()) result = await inference.screen(bytes, heatFrom)
    if (result.ok) {
      const { heatmap, thumbnail = null } = result.output
      return { record: judged(result.output, means), heatmap, thumbnail, interrupted: false }
    }
    return failed(result.reason || 'The scan could not be analysed.', result.retry && stopping())
  } catch (error) {
    return failed(plainReason(error))
  }
}

/** Throws where the policy in force, its calibration or a score is not fit to judge by. */
function judged(output: NetworkOutput, { inference: { manifest }, policies, clock }: JudgingMeans): ScreenedRecord {
  const policy = policies.current()
  if (policy.modelSha256 !== manifest.sha256)
    throw new Error(`Alarm policy ${policy.version} belongs to model ${policy.model}, not to the one that runs.`)
  const calibration = policies.calibration(policy.calibration)
  if (!calibration)
    throw new Error(`Alarm policy ${policy.version} names calibration ${policy.calibration}, which does not exist.`)
  const judgedBy = (found: PerClass<ClassOutput>) => judge(mapClasses((c) => found[c].fused), policy, calibration) // prettier-ignore
  const { verdict, classes } = judgedBy(output.classes)
  return {
    verdict,
    reason: null,
    width: output.width,
    height: output.height,
    classes: mapClasses((c) => ({ ...output.classes[c], ...classes[c] })),
    bags: output.bags.map((bag) => {
      const own = judgedBy(bag.classes)
      return {
        box: bag.box,
        verdict: own.verdict,
        classes: mapClasses((c) => ({ ...withoutLogits(bag.classes[c]), ...own.classes[c] })),
      }
    }),
    statistics: output.statistics,
    model: modelName(manifest),
    policy: policy.version,
    provider: output.provider,
    ms: output.ms,
    screenedAt: clock.now(),
    heatmap: null,
  }
}

const withoutLogits = ({ fused, peak }: ClassOutput): Omit<ClassOutput, 'logits'> => ({ fused, peak })
