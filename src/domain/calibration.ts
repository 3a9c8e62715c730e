// Applies a calibration: fused logit → probability in the calibration sample → posterior at the lane's prevalence.
import type { CalibrationMap, ClassCalibration } from '../shared/policy'
import { fromLogOdds, logOdds, shiftLogOdds } from './prior-shift'

/** Index of the last element ≤ x in a non-decreasing list, −1 where there is none. */
function lastAtMost(sorted: readonly number[], x: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const mid = (low + high) >>> 1
    if ((sorted[mid] ?? NaN) <= x) low = mid + 1
    else high = mid
  }
  return low - 1
}

/** Log odds in the calibration sample of a fused logit `z`. ±∞ only where an isotonic map says 0 or 1. Throws RangeError unless `z` is finite. */
export function calibratedLogOdds(map: CalibrationMap, z: number): number {
  if (!Number.isFinite(z)) throw new RangeError(`a score of ${z} has no probability`)
  if (map.method === 'platt') return map.a * z + map.b
  const i = lastAtMost(map.z, z)
  const [z0, p0] = [map.z[i], map.p[i]]
  const [z1, p1] = [map.z[i + 1], map.p[i + 1]]
  if (z1 === undefined || p1 === undefined) return logOdds(p0 ?? NaN)
  if (z0 === undefined || p0 === undefined) return logOdds(p1)
  return logOdds(p0 + ((p1 - p0) * (z - z0)) / (z1 - z0))
}

/**
 * Posterior at the lane's prevalence (0–1) of a fused logit. An empirical map cannot know more than its sample: probabilities are kept
 * half a count away from 0 and 1, or a prior shift could never move them.
 */
export function posteriorAt(calibration: ClassCalibration, z: number, prevalence: number): number {
  let odds = calibratedLogOdds(calibration.map, z)
  if (calibration.map.method === 'isotonic') {
    const floor = 0.5 / (calibration.positives + calibration.negatives + 1)
    odds = Math.min(Math.max(odds, logOdds(floor)), -logOdds(floor))
  }
  return fromLogOdds(shiftLogOdds(odds, calibration.prevalence, prevalence))
}
