// A simulated month: a million bags at 1 threat in 1,000, drawn from the shipped model's held-out scores, through the real policy code.
//
// Twice: under the model's own first policy, and as it would be met in service: thresholds set on one half of the bags, the month drawn from the
// other half, so that no bag both sets a threshold and is judged by it.
import { expect, test } from 'vitest'
import { firstCalibration, firstPolicy } from '../../src/domain/first-policy'
import { lowerBound } from '../../src/domain/rates'
import { parseScores, sampleOf, type ScoredScan } from '../../src/domain/scores'
import { simulate, type Simulated } from '../../src/domain/simulate'
import { policyFrom, shareBudget } from '../../src/domain/thresholds'
import { chooseModel, heldOutScores } from '../../src/main/inference/model-files'
import { THREAT_CLASSES } from '../../src/shared/classes'
import type { Policy } from '../../src/shared/policy'

const BAGS = 1_000_000
const PREVALENCE = 1 / 1000
const SIGNED = { createdAt: 0, author: 'bench', reason: 'bench' }

const model = chooseModel(import.meta.dirname)
const csv = await heldOutScores(model)
if (csv === null) throw new Error('The shipped model has no held-out scores.')
const scans = parseScores(csv)
const calibration = { version: 1, ...firstCalibration(model.manifest) }

/** FNV-1a, so that a bag falls into the same half on every machine. */
function halfOf(group: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < group.length; i++) h = Math.imul(h ^ group.charCodeAt(i), 0x01000193) >>> 0
  return h % 2
}
const half = (n: number): ScoredScan[] => scans.filter((s) => halfOf(s.group) === n)

function report(what: string, month: Simulated, policy: Policy, began: number): void {
  const { falseAlarms, benign, found, threats, advised, missed } = month
  const per1000 = (n: number): string => (1000 * n).toFixed(2)
  console.log(
    [
      `${what} (${model.manifest.name}@${model.manifest.version}, ${((performance.now() - began) / 1000).toFixed(1)} s)`,
      `  false alarms ${falseAlarms} of ${benign}: ${per1000(falseAlarms / benign)} per 1,000, promised at most ${per1000(policy.anyAlarm?.falseAlarmUpper95 ?? NaN)} (n = ${policy.anyAlarm?.benign})`,
      `  threats ${threats}: ${found} alarmed, ${advised} advisory only, ${missed} missed; an alarm was right ${found} times in ${found + falseAlarms}`,
      `  calibration error ${month.calibrationError.toExponential(2)}; posteriors said ${THREAT_CLASSES.map((c) => `${c} ${Math.round(month.classes[c].expected)} (were ${month.classes[c].threats})`).join(', ')}`,
    ].join('\n'),
  )
}

test('under the first policy, drawn from the sample that its promise was made on', () => {
  const began = performance.now()
  const sample = sampleOf(scans)
  const policy = { ...policyFrom(firstPolicy(model.manifest, 1), sample, SIGNED, calibration), version: 1 }
  const month = simulate(sample, policy, calibration, BAGS, PREVALENCE)
  report('First policy', month, policy, began)
  expect(month.falseAlarms / month.benign).toBeLessThanOrEqual(policy.anyAlarm?.falseAlarmUpper95 ?? 0)
  expect(month.bags).toBe(BAGS)
})

test.each([
  [0, 1],
  [1, 0],
])('thresholds set on half %d of the bags for 10 false alarms per 1,000, the month drawn from half %d', (setOn, drawnFrom) => {
  const began = performance.now()
  const own = sampleOf(half(setOn))
  const other = sampleOf(half(drawnFrom))
  const draft = shareBudget(firstPolicy(model.manifest, 1), 'alarm', { kind: 'budget-per-1000', value: 10, scope: 'bag' }, own)
  const policy = { ...policyFrom(draft, own, SIGNED, calibration), version: 1 }
  const month = simulate(other, policy, calibration, BAGS, PREVALENCE)
  report(`Thresholds from ${own.benign.length} bags, month from ${other.benign.length} others`, month, policy, began)
  // The month repeats a finite half: its own rate is known to an exact lower bound only, and that must not lie above the promise.
  const rate = month.falseAlarms / month.benign
  const alarming = Math.round(rate * other.benign.length)
  expect(lowerBound(alarming, other.benign.length)).toBeLessThanOrEqual(policy.anyAlarm?.falseAlarmUpper95 ?? 0)
  console.log(
    `  the realised rate is ${rate <= (policy.anyAlarm?.falseAlarmUpper95 ?? 0) ? 'within' : 'ABOVE'} the promised bound`,
  )
})
