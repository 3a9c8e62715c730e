// A simulated stretch of service: bags drawn from labelled scores at a prevalence, judged by the real policy code, counted.
import { mapClasses, THREAT_CLASSES, type PerClass, type ThreatClass } from '../shared/classes'
import type { Calibration, Policy } from '../shared/policy'
import { mulberry32 } from './metrics'
import { judge } from './policy'
import { UnusableSample, type Sample } from './scores'
import { anyPrevalence } from './thresholds'

export interface SimulatedClass {
  /** bags drawn with the class */
  threats: number
  /** of them with an alarm for this class; with any alarm */
  found: number
  foundByAny: number
  /** benign bags with an alarm for this class */
  falseAlarms: number
  /** sum of the class's posteriors over all bags: what the calibration says how many threats there were */
  expected: number
}
export interface Simulated {
  bags: number
  benign: number
  threats: number
  /** benign bags with any alarm; with an advisory at most */
  falseAlarms: number
  falseAdvisories: number
  /** threat bags with any alarm; with an advisory at most; clear */
  found: number
  advised: number
  missed: number
  classes: PerClass<SimulatedClass>
  /** calibration in service: bags by posterior of their worst class, predicted against true share of threats */
  reliability: { from: number; to: number; bags: number; predicted: number; observed: number }[]
  /** Σ |predicted − observed| · bags / all bags */
  calibrationError: number
}

const EDGES = [0, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 1]

/**
 * Draws `bags` bags with replacement: a threat with probability `prevalence`, its class as the policy splits them, else a benign one.
 * `seed` makes it the same on every machine. Throws UnusableSample where there is nothing to draw from.
 */
export function simulate(
  sample: Sample,
  policy: Policy,
  calibration: Calibration,
  bags: number,
  prevalence: number,
  seed = 1,
): Simulated {
  const total = anyPrevalence(policy.prevalence)
  const split = THREAT_CLASSES.map((c) => ({ c, share: policy.prevalence[c] / total }))
  if (sample.benign.length === 0) throw new UnusableSample('There is no benign bag in the sample to draw from.')
  const without = THREAT_CLASSES.filter((c) => sample.positives[c].length === 0)
  if (prevalence > 0 && without.length)
    throw new UnusableSample(`There is no bag with ${without.join(', ')} in the sample to draw from.`)
  const next = mulberry32(seed)
  const uniform = (): number => next() / 2 ** 32
  const draw = <T>(list: readonly T[]): T => list[Math.floor(uniform() * list.length)] ?? impossible()
  const pick = (): ThreatClass => {
    let rest = uniform()
    for (const { c, share } of split) if ((rest -= share) < 0) return c
    return 'scissors'
  }
  const classes = mapClasses(() => ({ threats: 0, found: 0, foundByAny: 0, falseAlarms: 0, expected: 0 }))
  const counts = { bags, benign: 0, threats: 0, falseAlarms: 0, falseAdvisories: 0, found: 0, advised: 0, missed: 0 }
  const bins = EDGES.slice(1).map((to, i) => ({ from: EDGES[i] ?? 0, to, bags: 0, predicted: 0, observed: 0 }))
  for (let i = 0; i < bags; i++) {
    const threat = uniform() < prevalence ? pick() : null
    const judged = judge(draw(threat === null ? sample.benign : sample.positives[threat]), policy, calibration)
    const alarm = judged.verdict === 'alarm'
    const advisory = judged.verdict === 'advisory'
    let any = 0
    for (const c of THREAT_CLASSES) {
      const { posterior, tier } = judged.classes[c]
      classes[c].expected += posterior
      any += posterior
      if (threat === null && tier === 'alarm') classes[c].falseAlarms++
    }
    any = Math.min(1, any)
    const bin = bins.find((b) => any < b.to) ?? bins.at(-1) ?? impossible()
    bin.bags++
    bin.predicted += any
    bin.observed += Number(threat !== null)
    if (threat === null) {
      counts.benign++
      counts.falseAlarms += Number(alarm)
      counts.falseAdvisories += Number(advisory)
    } else {
      const own = classes[threat]
      counts.threats++
      own.threats++
      own.found += Number(judged.classes[threat].tier === 'alarm')
      own.foundByAny += Number(alarm)
      counts.found += Number(alarm)
      counts.advised += Number(advisory)
      counts.missed += Number(!alarm && !advisory)
    }
  }
  const reliability = bins
    .filter((b) => b.bags > 0)
    .map(({ from, to, bags: n, predicted, observed }) => ({
      from,
      to,
      bags: n,
      predicted: predicted / n,
      observed: observed / n,
    }))
  const calibrationError = reliability.reduce((sum, b) => sum + (Math.abs(b.predicted - b.observed) * b.bags) / bags, 0)
  return { ...counts, classes, reliability, calibrationError }
}

const impossible = (): never => {
  throw new Error('drew from nothing')
}
