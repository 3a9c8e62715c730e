// Sees to it that the policy in force belongs to the model that runs: thresholds mean nothing under another network.
import { firstCalibration, firstPolicy, modelName } from '../../domain/first-policy'
import type { ModelManifest } from '../../shared/manifest'
import type { Policy } from '../../shared/policy'
import { PolicyRefused, type PolicyBook } from './ports'

/** Fills in what a policy promises. */
type Promised = (policy: Omit<Policy, 'version'>) => Omit<Policy, 'version'>

/**
 * Makes policy 1 and calibration 1 from the manifest at the first start, and a new version of each when the stored policy belongs to another
 * model. Returns what a person must be told of it, or null. Throws RangeError where the manifest's thresholds are out of order.
 */
export function policyForModel(
  policies: PolicyBook,
  manifest: ModelManifest,
  now: number,
  promised: Promised = (p) => p,
): string | null {
  if (policies.isEmpty()) {
    makeFrom(policies, manifest, now, promised)
    return null
  }
  const inForce = policies.current()
  if (inForce.modelSha256 === manifest.sha256) return null
  const reason = `The model is now ${modelName(manifest)}; policy ${inForce.version} belongs to ${inForce.model}.`
  const former = policies.list().find((p) => p.modelSha256 === manifest.sha256)
  const made = former ? again(policies, former, now, reason) : makeFrom(policies, manifest, now, promised, reason)
  const from = former ? `policy ${former.version}, the last one for this model` : 'the thresholds that came with the model'
  return `${reason} Policy ${made.version} was made from ${from}: check it on the Alarms screen.`
}

function makeFrom(policies: PolicyBook, manifest: ModelManifest, now: number, promised: Promised, reason?: string): Policy {
  const { version } = policies.saveCalibration(firstCalibration(manifest, now))
  const policy = promised(firstPolicy(manifest, version, now))
  return policies.save(reason === undefined ? policy : { ...policy, reason: `${reason} ${policy.reason}` })
}

function again(policies: PolicyBook, former: Policy, now: number, reason: string): Policy {
  const { version: _, ...rest } = former
  return policies.save({
    ...rest,
    createdAt: now,
    author: 'station',
    reason: `${reason} Same as policy ${former.version}, the last one for this model.`,
  })
}

/**
 * The same book, in which a policy that is not the one entered in the record is never in force: `standIn` is asked for another, which is in
 * force from then on. The forged one stays where it is, for the audit.
 */
export function guarded(policies: PolicyBook, standIn: (refused: PolicyRefused) => Policy): PolicyBook {
  return {
    isEmpty: () => policies.isEmpty(),
    current: () => {
      try {
        return policies.current()
      } catch (error) {
        if (!(error instanceof PolicyRefused)) throw error
        return standIn(error)
      }
    },
    get: (version) => policies.get(version),
    list: () => policies.list(),
    save: (policy) => policies.save(policy),
    calibration: (version) => policies.calibration(version),
    currentCalibration: () => policies.currentCalibration(),
    saveCalibration: (calibration) => policies.saveCalibration(calibration),
  }
}

/** The thresholds that came with the model, as a new version in the place of a refused one. */
export function standIn(
  policies: PolicyBook,
  manifest: ModelManifest,
  now: number,
  refused: PolicyRefused,
  promised: Promised = (p) => p,
): Policy {
  return makeFrom(policies, manifest, now, promised, `${refused.message} It is refused.`)
}
