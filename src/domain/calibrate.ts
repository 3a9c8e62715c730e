// Fits a class's calibration from labelled scores: Platt's sigmoid and isotonic regression, chosen by held-out log-loss.
import type { CalibrationMap, ClassCalibration } from '../shared/policy'
import { calibratedLogOdds } from './calibration'
import { logOdds } from './prior-shift'
import { UnusableSample } from './scores'

export interface LabelledScore {
  z: number
  positive: boolean
  group: string
}

const FOLDS = 5
const FEWEST_OF_EACH = 10

function checked(sample: readonly LabelledScore[], what: string): { positives: number; negatives: number } {
  if (sample.length === 0) throw new UnusableSample(`${what}: the sample is empty.`)
  if (sample.some((s) => !Number.isFinite(s.z))) throw new UnusableSample(`${what}: a score is not a finite number.`)
  const positives = sample.filter((s) => s.positive).length
  const negatives = sample.length - positives
  if (positives === 0 || negatives === 0)
    throw new UnusableSample(
      `${what}: all ${sample.length} scans are ${positives ? 'threats' : 'benign'}; a calibration needs both.`,
    )
  if (sample.every((s) => s.z === sample[0]?.z))
    throw new UnusableSample(`${what}: every scan has the same score, so it tells nothing.`)
  return { positives, negatives }
}

/**
 * Platt's sigmoid(a·z + b): Newton's method with backtracking on targets drawn in by one count (Platt 1999; Lin, Lin & Weng 2007,
 * doi 10.1007/s10994-007-5018-6). Throws UnusableSample where scores fall as threats get likelier (a ≤ 0).
 */
export function fitPlatt(sample: readonly LabelledScore[], what = 'The sample'): Extract<CalibrationMap, { method: 'platt' }> {
  const { positives, negatives } = checked(sample, what)
  const high = (positives + 1) / (positives + 2)
  const low = 1 / (negatives + 2)
  const loss = (a: number, b: number): number => {
    let sum = 0
    for (const { z, positive } of sample) {
      const f = a * z + b
      // −t·f + ln(1 + e^f), without overflow
      sum += (f > 0 ? f + Math.log1p(Math.exp(-f)) : Math.log1p(Math.exp(f))) - (positive ? high : low) * f
    }
    return sum
  }
  let a = 0
  let b = Math.log((positives + 1) / (negatives + 1))
  let best = loss(a, b)
  for (let round = 0; round < 200; round++) {
    let [ga, gb, haa, hab, hbb] = [0, 0, 1e-12, 0, 1e-12]
    for (const { z, positive } of sample) {
      const p = 1 / (1 + Math.exp(-(a * z + b)))
      const error = p - (positive ? high : low)
      const weight = p * (1 - p)
      ga += error * z
      gb += error
      haa += weight * z * z
      hab += weight * z
      hbb += weight
    }
    if (Math.hypot(ga, gb) < 1e-9 * sample.length) break
    const det = haa * hbb - hab * hab
    const da = -(hbb * ga - hab * gb) / det
    const db = -(haa * gb - hab * ga) / det
    let step = 1
    while (step > 1e-12 && !(loss(a + step * da, b + step * db) < best)) step /= 2
    if (step <= 1e-12) break
    a += step * da
    b += step * db
    best = loss(a, b)
  }
  if (!(a > 0))
    throw new UnusableSample(
      `${what}: scores do not rise with the threat (slope ${a.toPrecision(3)}); such a class cannot raise alarms.`,
    )
  return { method: 'platt', a, b }
}

/** Isotonic regression by pooling adjacent violators (Ayer et al. 1955; Zadrozny & Elkan 2002): ties pooled first, ends of each block kept. */
export function fitIsotonic(
  sample: readonly LabelledScore[],
  what = 'The sample',
): Extract<CalibrationMap, { method: 'isotonic' }> {
  checked(sample, what)
  const sorted = [...sample].sort((x, y) => x.z - y.z)
  const blocks: { from: number; to: number; hits: number; n: number }[] = []
  for (const { z, positive } of sorted) {
    const last = blocks.at(-1)
    if (last?.to === z && last.from === z) {
      last.hits += Number(positive)
      last.n++
    } else blocks.push({ from: z, to: z, hits: Number(positive), n: 1 })
  }
  const pooled: typeof blocks = []
  for (const block of blocks) {
    let current = { ...block }
    for (let before = pooled.at(-1); before && before.hits * current.n >= current.hits * before.n; before = pooled.at(-1)) {
      pooled.pop()
      current = { from: before.from, to: current.to, hits: before.hits + current.hits, n: before.n + current.n }
    }
    pooled.push(current)
  }
  const z: number[] = []
  const p: number[] = []
  for (const { from, to, hits, n } of pooled) {
    z.push(from)
    p.push(hits / n)
    if (to > from) {
      z.push(to)
      p.push(hits / n)
    }
  }
  return { method: 'isotonic', z, p }
}

/** Probability of a map within its sample, half a count away from 0 and 1 as the posterior is (calibration.ts). */
function probability(map: CalibrationMap, z: number, n: number): number {
  const floor = logOdds(0.5 / (n + 1))
  const odds = Math.min(Math.max(calibratedLogOdds(map, z), floor), -floor)
  return 1 / (1 + Math.exp(-odds))
}

export interface CalibrationFit extends ClassCalibration {
  logLoss: { platt: number; isotonic: number }
  ece: number
}

/**
 * Fits both maps, five folds by group, and keeps the one with the smaller held-out log-loss (nats a scan); log-loss, reliability curve and
 * expected calibration error are all held out. Throws UnusableSample on an empty, one-class, all-equal or too small sample.
 */
export function fitCalibration(sample: readonly LabelledScore[], what = 'The sample'): CalibrationFit {
  const { positives, negatives } = checked(sample, what)
  const groupsOf = (positive: boolean): number => new Set(sample.filter((s) => s.positive === positive).map((s) => s.group)).size
  if (groupsOf(true) < FEWEST_OF_EACH || groupsOf(false) < FEWEST_OF_EACH)
    throw new UnusableSample(
      `${what}: ${groupsOf(true)} threat and ${groupsOf(false)} benign bags; a calibration needs ${FEWEST_OF_EACH} of each.`,
    )
  const fold = foldsByGroup(sample)
  const heldOut: { platt: number[]; isotonic: number[] } = { platt: [], isotonic: [] }
  const truth: boolean[] = []
  for (let f = 0; f < FOLDS; f++) {
    const train = sample.filter((s) => fold(s.group) !== f)
    const test = sample.filter((s) => fold(s.group) === f)
    const maps = { platt: fitPlatt(train, what), isotonic: fitIsotonic(train, what) }
    for (const { z, positive } of test) {
      truth.push(positive)
      heldOut.platt.push(probability(maps.platt, z, train.length))
      heldOut.isotonic.push(probability(maps.isotonic, z, train.length))
    }
  }
  const logLoss = { platt: meanLogLoss(heldOut.platt, truth), isotonic: meanLogLoss(heldOut.isotonic, truth) }
  const method = logLoss.isotonic < logLoss.platt ? 'isotonic' : 'platt'
  const reliability = reliabilityCurve(heldOut[method], truth)
  return {
    map: method === 'platt' ? fitPlatt(sample, what) : fitIsotonic(sample, what),
    prevalence: positives / sample.length,
    positives,
    negatives,
    logLoss,
    ece: expectedCalibrationError(reliability),
    reliability,
  }
}

/** Folds such that every group lies in one and each fold has its share of groups with a positive. */
function foldsByGroup(sample: readonly LabelledScore[]): (group: string) => number {
  const holds = new Map<string, boolean>()
  for (const s of sample) holds.set(s.group, (holds.get(s.group) ?? false) || s.positive)
  const fold = new Map<string, number>()
  for (const positive of [true, false]) {
    let next = 0
    for (const [group, has] of [...holds].sort(([a], [b]) => (a < b ? -1 : 1)))
      if (has === positive) fold.set(group, next++ % FOLDS)
  }
  return (group) => fold.get(group) ?? 0
}

/** Mean −ln of the probability given to what was true, nats. */
export function meanLogLoss(probabilities: readonly number[], truth: readonly boolean[]): number {
  let sum = 0
  for (const [i, p] of probabilities.entries()) sum -= Math.log(truth[i] ? p : 1 - p)
  return sum / probabilities.length
}

/** Mean predicted against observed share in bins of equal count (at most `bins`, at least 10 scans each; equal predictions share a bin). */
export function reliabilityCurve(
  probabilities: readonly number[],
  truth: readonly boolean[],
  bins = 15,
): ClassCalibration['reliability'] {
  const rows = probabilities.map((p, i) => ({ p, hit: truth[i] === true })).sort((x, y) => x.p - y.p)
  const size = Math.max(10, Math.ceil(rows.length / bins))
  const curve: ClassCalibration['reliability'] = []
  for (let from = 0; from < rows.length;) {
    let to = Math.min(from + size, rows.length)
    while (to < rows.length && rows[to]?.p === rows[to - 1]?.p) to++
    const bin = rows.slice(from, to)
    curve.push({
      predicted: bin.reduce((s, r) => s + r.p, 0) / bin.length,
      observed: bin.filter((r) => r.hit).length / bin.length,
      n: bin.length,
    })
    from = to
  }
  return curve
}

/** Expected calibration error: |predicted − observed| over the bins, weighted by their counts (Naeini et al. 2015), with equal-count bins. */
export function expectedCalibrationError(curve: ClassCalibration['reliability']): number {
  const n = curve.reduce((s, b) => s + b.n, 0)
  return n === 0 ? NaN : curve.reduce((s, b) => s + (b.n / n) * Math.abs(b.predicted - b.observed), 0)
}
