// The inference process of one command: it ends with the command, so a process that has failed for good is not tried again meanwhile.
import { startInference, type InferenceRoom } from '../inference/client'
import type { ModelFiles } from '../inference/model-files'
import { inferenceEntry, nodeSpawn } from '../inference/node-spawn'

/** Longer than any command should wait, in ms. */
const TRY_AGAIN = 600_000

/** Starts the built inference process on a model; the caller stops it. Throws where it is not built. */
export function commandInference({ manifest, modelPath }: Pick<ModelFiles, 'manifest' | 'modelPath'>): InferenceRoom {
  return startInference({ spawn: nodeSpawn(inferenceEntry(import.meta.dirname)), manifest, modelPath, tryAgain: TRY_AGAIN })
}
