// Thresholds, promises and rates in words, as the policy commands print them.
import { anyPrevalence } from '../../domain/thresholds'
import { posteriorInWords } from '../../domain/words'
import { THREAT_CLASSES } from '../../shared/classes'
import type { Policy, SetBy, ThresholdPromise } from '../../shared/policy'
import { out } from './terminal'

export const say = (line = ''): void => void out(line)
/** A document over several lines; in its strings JSON escapes what could forge one. */
export const sayJson = (value: unknown): void => void out(...JSON.stringify(value, null, 2).split('\n'))
/** A share as events per 1,000, two digits. */
export const rate = (r: number): string => `${Number((1000 * r).toPrecision(2))}`
export const percent = (r: number | null): string => (r === null ? 'unknown' : `${(100 * r).toFixed(r < 0.1 ? 1 : 0)} %`)
export const oneIn = (r: number): string => `1 in ${Number((1 / r).toPrecision(2)).toLocaleString('en-US')}`

export function setWords(by: SetBy): string {
  switch (by.kind) {
    case 'manifest':
      return 'came with the model'
    case 'hand':
      return 'by hand'
    case 'budget-per-1000':
      return `≤ ${by.value} per 1,000${by.scope === 'bag' ? ', shared' : ''}`
    case 'budget-per-hour':
      return `≤ ${by.value} an hour${by.scope === 'bag' ? ', shared' : ''}`
    case 'recall':
      return `recall ≥ ${percent(by.value)}`
    case 'cost-ratio':
      return `a miss costs ${by.value} false alarms`
    case 'lane-quantile':
      return `lane's scores, ≤ ${by.value} per 1,000`
  }
}

function promiseWords(p: ThresholdPromise | null): string {
  if (p === null || p.benign === 0) return 'promises nothing: no held-out scores'
  const found =
    p.recall === null
      ? 'finds an unknown share'
      : `finds ${percent(p.recall)} (${p.recallInterval?.map((v) => percent(v)).join(' – ') ?? ''}, n = ${p.positives})`
  const right = p.ppv === null ? '' : `; an alarm is right at least ${posteriorInWords(p.ppv)}`
  const more = p.moreBenignNeeded
    ? `; ${p.moreBenignNeeded.toLocaleString('en-US')} more benign bags needed to promise the budget`
    : ''
  return `${rate(p.falseAlarmRate)} false per 1,000 (95 % bound ${rate(p.falseAlarmUpper95)}, n = ${p.benign}); ${found}${right}${more}`
}

export function printPolicy(policy: Policy): void {
  say(`Policy ${policy.version} of ${new Date(policy.createdAt).toISOString()}, by ${policy.author}: ${policy.reason}`)
  say(
    `Model ${policy.model}; calibration ${policy.calibration}; ${policy.bagsPerHour} bags an hour; a threat of any class in ${oneIn(anyPrevalence(policy.prevalence))} bags.`,
  )
  for (const c of THREAT_CLASSES) {
    say(`\n${c} (${oneIn(policy.prevalence[c])} bags)`)
    for (const tier of ['alarm', 'advisory'] as const) {
      const { threshold, setBy, promise } = policy.classes[c][tier]
      say(`  ${tier.padEnd(8)} ≥ ${threshold.toFixed(3).padStart(7)}  ${setWords(setBy)}`)
      say(`           ${promiseWords(promise)}`)
    }
  }
  say(`\nany alarm  ${promiseWords(policy.anyAlarm)}`)
}
