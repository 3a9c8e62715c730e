// Drift of a lane: alarm rate against the promise, scores against the calibration's benign bags, prevalence, and the images themselves.
import { calibratedLogOdds } from '../../domain/calibration'
import { ksDistance, ksLimit, MeanCusum, RateCusum, stabilityIndex } from '../../domain/drift'
import { estimatePrevalence } from '../../domain/prevalence'
import type { Sample } from '../../domain/scores'
import { anyPrevalence, anyPromise, type AlarmTier } from '../../domain/thresholds'
import { mapClasses, THREAT_CLASSES, type PerClass } from '../../shared/classes'
import type { ImageStatistics } from '../../shared/bag'
import type { ModelManifest } from '../../shared/manifest'
import type { Calibration, Policy } from '../../shared/policy'
import type { DriftReport, DriftSignal } from '../../shared/status'
import { tiersOf } from '../../domain/policy'
import { posteriorInWords } from '../../domain/words'
import type { ScoredBag } from './ports'

/** Bags in the window that scores and prevalence are taken from. */
export const WINDOW = 500
/** Fewest bags before a distribution says anything. */
const ENOUGH = 200
/** The window is looked at after every so many bags; the chance of a false signal at one look of one class. */
const LOOK_EVERY = 50
const ALPHA = 1e-6
/** Likelihood gain (nats) over the lane's prevalence that is no chance. */
const GAIN = 12
/** A statistic with less spread than this in the calibration's images is watched as if it had it. */
const LEAST_SD: ImageStatistics = { brightness: 4, background: 2, aspect: 0.05, bagShare: 0.02 }
const IMAGE_WORDS: Record<keyof ImageStatistics, [label: string, up: string, down: string]> = {
  brightness: ['Brightness of the bags', 'brighter', 'darker'],
  background: ['Background', 'brighter', 'darker'],
  aspect: ['Shape of the bags (width / height)', 'wider', 'narrower'],
  bagShare: ['Share of the image that is bag', 'larger', 'smaller'],
}
const STATISTICS = ['brightness', 'background', 'aspect', 'bagShare'] as const

export interface DriftBasis {
  manifest: ModelManifest
  sample: Sample
  policy: Policy
  calibration: Calibration
}
type Seen = Pick<ScoredBag, 'fused' | 'statistics'>
const worst = (signals: readonly DriftSignal[]): DriftReport['state'] =>
  signals.some((s) => s.state === 'drifted') ? 'drifted' : signals.some((s) => s.state === 'learning') ? 'learning' : 'steady'
const per1000 = (rate: number): string =>
  (rate < 0.01 ? Number((1000 * rate).toPrecision(2)) : Math.round(1000 * rate)).toLocaleString('en-US')

/** Watches the bags of one policy in force; a new policy needs a new monitor. */
export class DriftMonitor {
  readonly #basis: DriftBasis
  readonly #rates: Partial<Record<AlarmTier, { cusum: RateCusum; seen: number; hits: number; recent: boolean[] }>> = {}
  readonly #images: Record<keyof ImageStatistics, { cusum: MeanCusum; seen: number; recent: number[] }>
  readonly #reference: PerClass<number[]>
  #window: PerClass<number>[] = []
  #seen = 0
  #scores: DriftSignal[]
  #prevalence: { signal: DriftSignal; byClass: PerClass<number> | null }

  constructor(basis: DriftBasis) {
    this.#basis = basis
    const { manifest, sample, policy } = basis
    this.#reference = mapClasses((c) => sample.benign.map((z) => z[c]).sort((a, b) => a - b))
    for (const tier of ['alarm', 'advisory'] as const) {
      const promise = anyPromise(sample, policy, tier)
      const expected = promise.falseAlarmUpper95 + anyPrevalence(policy.prevalence)
      if (promise.benign > 0 && expected < 0.4)
        this.#rates[tier] = { cusum: new RateCusum(expected, 2 * expected), seen: 0, hits: 0, recent: [] }
    }
    const image = (key: keyof ImageStatistics) => {
      const { mean, sd } = manifest.imageStatistics[key]
      return { cusum: new MeanCusum(mean, Math.max(sd, LEAST_SD[key])), seen: 0, recent: [] }
    }
    this.#images = {
      brightness: image('brightness'),
      background: image('background'),
      aspect: image('aspect'),
      bagShare: image('bagShare'),
    }
    this.#scores = THREAT_CLASSES.map((c) => this.#scoreSignal(c))
    this.#prevalence = this.#prevalenceSignal()
  }

  /** Takes note of a screened bag. */
  saw({ fused, statistics }: Seen): void {
    const tiers = Object.values(tiersOf(fused, this.#basis.policy))
    const reached = { alarm: tiers.includes('alarm'), advisory: tiers.includes('alarm') || tiers.includes('advisory') }
    for (const tier of ['alarm', 'advisory'] as const) {
      const watch = this.#rates[tier]
      if (!watch) continue
      watch.cusum.add(reached[tier])
      watch.seen++
      watch.recent.push(reached[tier])
      if (watch.recent.length > WINDOW) watch.recent.shift()
      watch.hits += Number(reached[tier])
    }
    if (statistics)
      for (const key of STATISTICS) {
        const watch = this.#images[key]
        watch.cusum.add(statistics[key])
        watch.seen++
        watch.recent.push(statistics[key])
        if (watch.recent.length > LOOK_EVERY) watch.recent.shift()
      }
    this.#window.push(fused)
    if (this.#window.length > WINDOW) this.#window.shift()
    this.#seen++
    if (this.#seen % LOOK_EVERY === 0) {
      this.#scores = THREAT_CLASSES.map((c) => this.#scoreSignal(c))
      this.#prevalence = this.#prevalenceSignal()
    }
  }

  report(): DriftReport {
    if (this.#seen < ENOUGH) {
      // before the first look: how many bags are there yet
      this.#scores = THREAT_CLASSES.map((c) => this.#scoreSignal(c))
      this.#prevalence = this.#prevalenceSignal()
    }
    const signals = [
      this.#rateSignal('alarm'),
      this.#rateSignal('advisory'),
      ...this.#scores,
      this.#prevalence.signal,
      ...STATISTICS.map((key) => this.#imageSignal(key)),
    ]
    return { state: worst(signals), signals, prevalence: this.#prevalence.byClass }
  }

  #rateSignal(tier: AlarmTier): DriftSignal {
    const id = `rate-${tier}`
    const label = tier === 'alarm' ? 'Alarms' : 'Alarms and advisories'
    const watch = this.#rates[tier]
    if (!watch) {
      const says = 'The model came without a sample that promises this rate, so it cannot be watched.'
      return { id, label, state: 'learning', value: null, expected: null, limits: null, bags: this.#seen, says }
    }
    const { cusum, seen, recent } = watch
    const value = recent.length ? recent.filter(Boolean).length / recent.length : null
    const drifted = cusum.signals
    const state = drifted ? 'drifted' : seen < ENOUGH ? 'learning' : 'steady'
    const now = value === null ? '' : `${per1000(value)} per 1,000 of the last ${recent.length} bags; `
    const says = drifted
      ? `${now}at most ${per1000(cusum.expected)} are promised. The lane alarms more than its policy says.`
      : `${now}at most ${per1000(cusum.expected)} are promised. A doubling would show after about ${Math.ceil(cusum.delay / 10) * 10} bags.`
    return { id, label, state, value, expected: cusum.expected, limits: [0, 2 * cusum.expected], bags: seen, says }
  }

  #scoreSignal(c: (typeof THREAT_CLASSES)[number]): DriftSignal {
    const id = `scores-${c}`
    const label = `Scores for ${c}`
    const reference = this.#reference[c]
    const bags = this.#window.length
    const base = { id, label, expected: 0, bags }
    if (reference.length === 0)
      return {
        ...base,
        state: 'learning',
        value: null,
        limits: null,
        says: 'The model came without held-out scores to compare with.',
      }
    if (bags < ENOUGH)
      return {
        ...base,
        state: 'learning',
        value: null,
        limits: null,
        says: `${bags} bags seen; the comparison begins at ${ENOUGH}.`,
      }
    const now = this.#window.map((z) => z[c]).sort((a, b) => a - b)
    const value = ksDistance(reference, now)
    const limit = ksLimit(reference.length, bags, ALPHA)
    const psi = stabilityIndex(reference, now).toFixed(2)
    const drifted = value > limit
    const says = drifted
      ? `The last ${bags} bags' scores differ from the calibration's benign bags (KS ${value.toFixed(2)}, limit ${limit.toFixed(2)}; PSI ${psi}). Its promises may not hold here.`
      : `The last ${bags} bags score like the calibration's benign bags (KS ${value.toFixed(2)}, limit ${limit.toFixed(2)}; PSI ${psi}).`
    return { ...base, state: drifted ? 'drifted' : 'steady', value, limits: [0, limit], says }
  }

  #prevalenceSignal(): { signal: DriftSignal; byClass: PerClass<number> | null } {
    const { policy, calibration } = this.#basis
    const bags = this.#window.length
    const expected = anyPrevalence(policy.prevalence)
    const base = { id: 'prevalence', label: 'Threats among the bags, estimated', expected, limits: null, bags }
    if (bags < ENOUGH)
      return {
        signal: { ...base, state: 'learning', value: null, says: `${bags} bags seen; the estimate begins at ${ENOUGH}.` },
        byClass: null,
      }
    const estimates = mapClasses((c) => {
      const { map, prevalence } = calibration.classes[c]
      const odds = this.#window.map((z) => Math.max(-50, Math.min(50, calibratedLogOdds(map, z[c]))))
      return estimatePrevalence(odds, prevalence, policy.prevalence[c])
    })
    const byClass = mapClasses((c) => estimates[c].prevalence)
    const value = Math.min(
      1,
      THREAT_CLASSES.reduce((s, c) => s + byClass[c], 0),
    )
    const high = THREAT_CLASSES.filter((c) => byClass[c] > policy.prevalence[c] && estimates[c].gain > GAIN)
    const says = high.length
      ? `The scores look as if ${posteriorInWords(value)} bags held a threat (most of all ${high.join(', ')}); the policy expects ${posteriorInWords(expected)}. Either threats are many or the calibration does not fit this lane.`
      : `The scores agree with ${posteriorInWords(expected)} bags holding a threat (estimate ${posteriorInWords(value)}).`
    return { signal: { ...base, state: high.length ? 'drifted' : 'steady', value, says }, byClass }
  }

  #imageSignal(key: keyof ImageStatistics): DriftSignal {
    const { cusum, seen, recent } = this.#images[key]
    const [label, up, down] = IMAGE_WORDS[key]
    const value = recent.length ? recent.reduce((s, v) => s + v, 0) / recent.length : null
    const drifted = cusum.signals
    const number = (v: number): string => (key === 'brightness' || key === 'background' ? v.toFixed(0) : v.toFixed(2))
    const compared =
      value === null
        ? ''
        : `Mean of the last ${recent.length}: ${number(value)}; the model knew ${number(cusum.mean)} ± ${number(cusum.sd)}.`
    const says = drifted
      ? `The bags are ${cusum.up > cusum.down ? up : down} than those the model knew. ${compared}`
      : compared || 'No bag seen yet.'
    const state = drifted ? 'drifted' : seen < LOOK_EVERY ? 'learning' : 'steady'
    return {
      id: `image-${key}`,
      label,
      state,
      value,
      expected: cusum.mean,
      limits: [cusum.mean - cusum.sd, cusum.mean + cusum.sd],
      bags: seen,
      says,
    }
  }
}
