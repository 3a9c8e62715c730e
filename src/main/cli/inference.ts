// The inference processes of one command: they end with the command, so a pool that has failed for good is not tried again meanwhile.
import { firstCalibration, firstPolicy } from '../../domain/first-policy'
import { startInference, type InferenceRoom } from '../inference/client'
import type { ModelFiles } from '../inference/model-files'
import { inferenceEntry, nodeSpawn } from '../inference/node-spawn'
import type { Calibration, Policy } from '../../shared/policy'
import type { JudgingMeans } from '../station/judging'

/** Longer than any command should wait, in ms. */
const TRY_AGAIN = 600_000
/** Version of the policy and calibration that a model brings. */
export const FIRST_POLICY = 1

/** Starts the built inference processes on a model; the caller stops it. Throws where it is not built. */
export function commandInference({ manifest, modelPath }: Pick<ModelFiles, 'manifest' | 'modelPath'>): InferenceRoom {
  return startInference({ spawn: nodeSpawn(inferenceEntry(import.meta.dirname)), manifest, modelPath, tryAgain: TRY_AGAIN })
}

/** Scans that a command has in hand: twice what is worked on, so that a slow one does not make the others wait for their turn. */
export const inHand = (inference: InferenceRoom | undefined): number => 2 * (inference?.atOnce ?? 1)

/** The judging room's means for one command: this network, under one policy and its calibration. */
export function judgingBy(inference: InferenceRoom, policy: Policy, calibration: Calibration): JudgingMeans {
  return {
    inference,
    policies: { current: () => policy, calibration: (version) => (version === calibration.version ? calibration : null) },
    clock: { now: () => Date.now() },
  }
}

/** The same under the first policy, which comes with the model. Thresholds out of order there make every scan unscreenable. */
export function judgingByModel(inference: InferenceRoom): JudgingMeans {
  const { manifest } = inference
  return {
    inference,
    policies: {
      current: () => ({ version: FIRST_POLICY, ...firstPolicy(manifest, FIRST_POLICY) }),
      calibration: () => ({ version: FIRST_POLICY, ...firstCalibration(manifest) }),
    },
    clock: { now: () => Date.now() },
  }
}
