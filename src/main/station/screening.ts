// One bag from its bytes to its record: inference, a second try when the process failed, and the policy's verdict.
import { modelName } from '../../domain/first-policy'
import { judge } from '../../domain/policy'
import { mapClasses } from '../../shared/classes'
import type { Inference, NetworkOutput, PolicyBook, ScreenedRecord } from './ports'
import { plainReason } from './reasons'

export interface Screened {
  record: ScreenedRecord
  /** the heatmap sheet, PNG; null for an unscreenable bag */
  heatmap: Uint8Array | null
}

/** The record of a bag that could not be analysed. */
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

/**
 * Screens a scan's bytes. Never rejects: whatever fails makes an unscreenable record. Null when the station stopped meanwhile, so that the
 * bag stays received and the next start finishes it.
 */
export async function screen(
  bytes: Uint8Array,
  { inference, policies }: { inference: Inference; policies: PolicyBook },
  now: () => number,
  stopping: () => boolean,
): Promise<Screened | null> {
  const failed = (reason: string): Screened => ({ record: unscreenable(reason, now()), heatmap: null })
  try {
    let result = await inference.screen(bytes)
    // the process died or hung: this bag may have done it, so it gets one more try and no third
    if (!result.ok && result.retry && !stopping()) result = await inference.screen(bytes)
    if (result.ok) return judged(result.output, inference, policies, now())
    return result.retry && stopping() ? null : failed(result.reason || 'The scan could not be analysed.')
  } catch (error) {
    return failed(plainReason(error))
  }
}

function judged(output: NetworkOutput, { manifest }: Inference, policies: PolicyBook, now: number): Screened {
  const policy = policies.current()
  if (policy.modelSha256 !== manifest.sha256)
    throw new Error(`Alarm policy ${policy.version} belongs to model ${policy.model}, not to the one that runs.`)
  const calibration = policies.calibration(policy.calibration)
  if (!calibration)
    throw new Error(`Alarm policy ${policy.version} names calibration ${policy.calibration}, which does not exist.`)
  const { verdict, classes } = judge(
    mapClasses((c) => output.classes[c].fused),
    policy,
    calibration,
  )
  return {
    record: {
      verdict,
      reason: null,
      width: output.width,
      height: output.height,
      classes: mapClasses((c) => ({ ...output.classes[c], ...classes[c] })),
      statistics: output.statistics,
      model: modelName(manifest),
      policy: policy.version,
      provider: output.provider,
      ms: output.ms,
      screenedAt: now,
      heatmap: null,
    },
    heatmap: output.heatmap,
  }
}
