// The first calibration and policy of a lane, made from the model's manifest: data with a version from the first bag on.
import { mapClasses, THREAT_CLASSES, type PerClass } from '../shared/classes'
import type { ModelManifest } from '../shared/manifest'
import type { Calibration, Policy } from '../shared/policy'

/** Scans that hold each class in SIXray (Miao et al., CVPR 2019, table 1): how a threat splits by class until the lane knows better. */
const SIXRAY_POSITIVES: PerClass<number> = { gun: 3131, knife: 1943, wrench: 2199, pliers: 3961, scissors: 983 }
/** Share of bags with any threat. */
export const DEFAULT_PREVALENCE = 1 / 1000
/** A lane's usual throughput (docs/FIELD.md). */
export const DEFAULT_BAGS_PER_HOUR = 300

/** Prevalence by class that sums to `any`, split as in SIXray. */
export function splitPrevalence(any: number): PerClass<number> {
  const total = THREAT_CLASSES.reduce((sum, c) => sum + SIXRAY_POSITIVES[c], 0)
  return mapClasses((c) => (any * SIXRAY_POSITIVES[c]) / total)
}

/** `name@version` of a model, as policies and bags name it. */
export const modelName = (manifest: Pick<ModelManifest, 'name' | 'version'>): string => `${manifest.name}@${manifest.version}`

/** The calibration that the manifest brings; `createdAt` in epoch ms. */
export function firstCalibration(manifest: ModelManifest, createdAt = Date.now()): Omit<Calibration, 'version'> {
  return {
    createdAt,
    author: 'manifest',
    sample: manifest.calibration.sample,
    model: modelName(manifest),
    modelSha256: manifest.sha256,
    classes: mapClasses((c) => {
      const { a, b, prevalence, positives, negatives } = manifest.calibration.classes[c]
      return { map: { method: 'platt', a, b }, prevalence, positives, negatives, logLoss: null, ece: null, reliability: [] }
    }),
  }
}

/** The name that the manifest's own thresholds go by among its presets. */
export const DEFAULT_PRESET = 'default'

/** What a manifest's thresholds may be chosen from: its own first, then its presets by name. */
export const presetNames = (manifest: ModelManifest): string[] => [DEFAULT_PRESET, ...Object.keys(manifest.presets ?? {})]

/**
 * The classes of a policy by one of the manifest's presets, without promises. Throws RangeError for a name that the manifest does not have, or
 * where an advisory lies above its alarm.
 */
export function presetClasses(manifest: ModelManifest, preset = DEFAULT_PRESET): Policy['classes'] {
  const thresholds = preset === DEFAULT_PRESET ? manifest.thresholds : manifest.presets?.[preset]
  if (thresholds === undefined)
    throw new RangeError(`${modelName(manifest)} has no preset "${preset}"; it has ${presetNames(manifest).join(', ')}.`)
  return mapClasses((c) => {
    const { advisory, alarm } = thresholds[c]
    if (!(advisory <= alarm))
      throw new RangeError(`The manifest's thresholds for ${c} are out of order: advisory ${advisory}, alarm ${alarm}.`)
    const tier = (threshold: number) => ({ threshold, setBy: { kind: 'manifest' as const }, promise: null })
    return { advisory: tier(advisory), alarm: tier(alarm) }
  })
}

/** The policy that the manifest's thresholds make, at 1 threat in 1,000 bags. Throws RangeError where an advisory lies above its alarm. */
export function firstPolicy(
  manifest: ModelManifest,
  calibrationVersion: number,
  createdAt = Date.now(),
): Omit<Policy, 'version'> {
  return {
    createdAt,
    author: 'manifest',
    reason: `First policy: the thresholds that model ${modelName(manifest)} came with.`,
    model: modelName(manifest),
    modelSha256: manifest.sha256,
    calibration: calibrationVersion,
    prevalence: splitPrevalence(DEFAULT_PREVALENCE),
    bagsPerHour: DEFAULT_BAGS_PER_HOUR,
    anyAlarm: null,
    classes: presetClasses(manifest),
  }
}
