// The geometry of the Alarms charts: scales, paths, ticks and handles in pixels, and which threshold a pointer or a key means.
import { scaleLinear, scaleLog } from 'd3-scale'
import { area, curveStepAfter, line } from 'd3-shape'
import { normalQuantile } from '../../domain/rates'
import type { AlarmTier } from '../../domain/thresholds'
import type { ClassScores, DraftEffect } from '../../shared/alarms'
import type { ThreatClass } from '../../shared/classes'
import type { ClassPolicy } from '../../shared/policy'
import { count } from './words'

export const TIERS: readonly AlarmTier[] = ['advisory', 'alarm']

export interface Size {
  width: number
  height: number
}
export interface Tick {
  /** pixels from the chart's left or upper edge */
  at: number
  text: string
}
export interface Axis {
  ticks: readonly Tick[]
  title: string
  /** whether its ticks draw lines through the plot */
  grid: boolean
}
/** What a person takes hold of: a whole threshold line (`y` null), or an operating point. */
export interface Handle {
  tier: AlarmTier
  x: number
  y: number | null
  name: string
  /** where a threshold line's name is written, within the chart */
  label: { x: number; y: number; anchor: 'start' | 'middle' | 'end' } | null
  /** for screen readers: the value, its range, and what it means */
  now: number
  min: number
  max: number
  says: string
}
/** Where the plot lies in its chart, pixels. */
export interface Frame {
  left: number
  right: number
  top: number
  bottom: number
}
export interface Plot {
  readonly name: string
  readonly frame: Frame
  readonly x: Axis
  readonly y: Axis
  /** from back to front */
  readonly paths: readonly { kind: 'benign' | 'positive' | 'band' | 'curve'; d: string }[]
  readonly handles: readonly Handle[]
  /** The threshold (fused logit) that a place on the chart means, pixels; null where there is none. */
  thresholdAt(x: number, y: number): number | null
  /** How far an arrow key moves a threshold (fused logits), `far` with Shift; null for any other key. */
  step(key: string, far: boolean): number | null
}

const framed = ({ width, height }: Size, left: number): Frame => ({
  left,
  right: Math.max(left + 1, width - 18),
  top: 40,
  bottom: Math.max(41, height - 46),
})

/** A class's scores, benign bags and bags with it, counted on a log scale, under both thresholds. */
export class ScoresPlot implements Plot {
  readonly name: string
  readonly frame: Frame
  readonly x: Axis
  readonly y: Axis
  readonly paths: Plot['paths']
  readonly handles: readonly Handle[]
  readonly #score
  readonly #range: number

  constructor(of: ClassScores, pair: ClassPolicy, size: Size) {
    const { edges, benign, positive } = of.histogram
    this.name = `Scores of ${of.class}`
    this.frame = framed(size, 48)
    const { left, right, top, bottom } = this.frame
    const all = [...edges, pair.advisory.threshold, pair.alarm.threshold]
    const [from, to] = [Math.min(...all), Math.max(...all)]
    const room = (to - from || 1) * 0.03
    const [low, high] = [from - room, to + room]
    this.#range = high - low
    this.#score = scaleLinear([low, high], [left, right])
    const most = Math.max(10, ...benign, ...positive)
    // one bag must be seen: the axis starts at a third of one
    const bags = scaleLog([1 / 3, most * 1.3], [bottom, top]).clamp(true)
    const height = (n: number): number => (n > 0 ? bags(n) : bottom)

    const score = this.#score
    const numbers = score.tickFormat(8)
    this.x = {
      ticks: score.ticks(Math.max(2, Math.floor((right - left) / 60))).map((v) => ({ at: score(v), text: numbers(v) })),
      title: 'score (fused logit)',
      grid: false,
    }
    const powers = [1, 10, 100, 1000, 10_000, 100_000].filter((n) => n <= most * 1.3)
    this.y = { ticks: powers.map((n) => ({ at: bags(n), text: count(n) })), title: 'bags', grid: true }
    const steps = area<readonly [edge: number, n: number]>()
      .x(([edge]) => score(edge))
      .y0(bottom)
      .y1(([, n]) => height(n))
      .curve(curveStepAfter)
    const outline = (counts: readonly number[]): string =>
      steps(edges.map((edge, i) => [edge, counts[Math.min(i, counts.length - 1)] ?? 0] as const)) ?? ''
    this.paths = [
      { kind: 'benign', d: outline(benign) },
      { kind: 'positive', d: outline(positive) },
    ]
    const labels = labelsOf(score(pair.advisory.threshold), score(pair.alarm.threshold), this.frame, size.width)
    this.handles = TIERS.map((tier) => {
      const { threshold } = pair[tier]
      return {
        tier,
        x: score(threshold),
        y: null,
        label: labels[tier],
        name: `${tier} threshold of ${of.class}`,
        now: threshold,
        min: low,
        max: high,
        says: `score ${threshold.toFixed(2)}`,
      }
    })
  }

  thresholdAt(x: number): number {
    return this.#score.invert(x)
  }

  step(key: string, far: boolean): number | null {
    const by = this.#range / (far ? 20 : 200)
    return { ArrowRight: by, ArrowUp: by, ArrowLeft: -by, ArrowDown: -by }[key] ?? null
  }
}

/** Pixels that "advisory" takes, and a little more. */
const LABEL = 66
type Label = NonNullable<Handle['label']>
/** Names over the two threshold lines: above them, or beside them where they would meet; none reaches out of the chart. */
function labelsOf(advisory: number, alarm: number, { left, top }: Frame, width: number): Record<AlarmTier, Label> {
  const above = (x: number): Label => ({
    x: Math.min(width - LABEL / 2, Math.max(left + LABEL / 2, x)),
    y: top - 25,
    anchor: 'middle',
  })
  if (alarm - advisory >= LABEL + 24) return { advisory: above(advisory), alarm: above(alarm) }
  const before: Label = { x: advisory - 12, y: top - 10, anchor: 'end' }
  const after: Label = { x: alarm + 12, y: top - 10, anchor: 'start' }
  return {
    advisory: before.x - LABEL < 0 ? above(advisory) : before,
    alarm: after.x + LABEL > width ? above(alarm) : after,
  }
}

export type CurveKind = 'det' | 'pr'
type CurvePoint = Pick<ClassScores['curve'][number], 'falseAlarmRate' | 'recall' | 'ppv'>
/** Pixels between the middles of two labels of an axis, at least. */
const APART = { x: 50, y: 22 } as const
const RATES = [0.6, 0.3, 0.1, 0.02, 0.005, 0.001, 0.0002, 0.0001]
const MISSES = [0.4, 0.15, 0.7, 0.05, 0.9, 0.02, 0.01]
const percent = (r: number): string => `${Number((100 * r).toPrecision(2))} %`

/** Pixels along a normal-deviate axis for rates between two ends; what lies beyond is drawn at the end. */
function deviate(from: number, to: number, pixels: [number, number]): (rate: number) => number {
  const scale = scaleLinear([normalQuantile(from), normalQuantile(to)], pixels)
  return (rate) => scale(normalQuantile(Math.min(to, Math.max(from, rate))))
}

/** The ticks, in the order of their worth, whose labels do not touch one that is worth more. */
function apart(values: readonly number[], at: (v: number) => number, least: number, words: (v: number) => string): Tick[] {
  const kept: Tick[] = []
  for (const v of values) if (kept.every((k) => Math.abs(k.at - at(v)) >= least)) kept.push({ at: at(v), text: words(v) })
  return kept
}

/** Missed threats against false alarms on normal-deviate axes (DET) with its 95 % band, or precision against recall; both operating points. */
export class CurvePlot implements Plot {
  readonly name: string
  readonly frame: Frame
  readonly x: Axis
  readonly y: Axis
  readonly paths: Plot['paths']
  readonly handles: readonly Handle[]
  readonly #places: readonly { threshold: number; x: number; y: number }[]

  constructor(of: ClassScores, promises: DraftEffect['promises'][ThreatClass] | null, kind: CurveKind, size: Size) {
    this.name = `Operating curve of ${of.class}`
    this.frame = framed(size, 58)
    const { left, right, top, bottom } = this.frame
    let place: (p: CurvePoint) => [number, number]
    let band = ''
    if (kind === 'det') {
      // from half a bag in the sample to 60 % of benign bags; from half a threat in it to 98 % missed
      const lowest = 0.4 / (of.benign + 1)
      const fewest = Math.min(0.02, 0.4 / (of.positives + 1))
      const rate = deviate(lowest, 0.6, [left, right])
      const missed = deviate(fewest, 0.98, [bottom, top])
      place = (p) => [rate(p.falseAlarmRate), missed(1 - p.recall)]
      const worst = of.curve.map((p): [number, number] => [rate(p.falseAlarmInterval[1]), missed(1 - p.recallInterval[0])])
      const best = of.curve.map((p): [number, number] => [rate(p.falseAlarmInterval[0]), missed(1 - p.recallInterval[1])])
      const round = line()([...worst, ...best.reverse()])
      band = round === null ? '' : `${round}Z`
      this.x = {
        ticks: apart(RATES.filter((r) => r >= lowest), rate, APART.x, percent), // prettier-ignore
        title: 'benign bags that alarm',
        grid: true,
      }
      this.y = {
        ticks: apart(MISSES.filter((r) => r >= fewest), missed, APART.y, percent), // prettier-ignore
        title: `bags with ${of.class} that are missed`,
        grid: true,
      }
    } else {
      const best = Math.max(0.01, ...of.curve.map((p) => p.ppv ?? 0))
      const most = [0.02, 0.05, 0.1, 0.2, 0.5].find((t) => best <= t) ?? 1
      const recall = scaleLinear([0, 1], [left, right])
      const precision = scaleLinear([0, most], [bottom, top]).clamp(true)
      place = (p) => [recall(p.recall), precision(p.ppv ?? 0)]
      const shares = Array.from({ length: 6 }, (_, i) => i / 5)
      this.x = { ticks: apart(shares, recall, APART.x - 8, percent), title: `bags with ${of.class} that are found`, grid: true }
      this.y = {
        ticks: apart(shares.map((r) => r * most), precision, APART.y, percent), // prettier-ignore
        title: 'alarms that are right, at least',
        grid: true,
      }
    }
    this.#places = of.curve.map((p) => {
      const [x, y] = place(p)
      return { threshold: p.threshold, x, y }
    })
    const curve = line<{ x: number; y: number }>()
      .x((p) => p.x)
      .y((p) => p.y)
    this.paths = [...(band === '' ? [] : [{ kind: 'band' as const, d: band }]), { kind: 'curve', d: curve(this.#places) ?? '' }]
    this.handles = TIERS.flatMap((tier) => {
      const promise = promises?.[tier]
      if (promise?.recall == null) return []
      const { recall, falseAlarmRate } = promise
      const [x, y] = place({ ...promise, recall })
      const says = `finds ${percent(recall)}, false alarms on ${percent(falseAlarmRate)} of benign bags`
      return [{ tier, x, y, label: null, name: `${tier} operating point of ${of.class}`, now: recall, min: 0, max: 1, says }]
    })
  }

  /** The threshold of the curve's point nearest to a place. */
  thresholdAt(x: number, y: number): number | null {
    let best: { threshold: number; distance: number } | null = null
    for (const place of this.#places) {
      const distance = Math.hypot(place.x - x, place.y - y)
      if (best === null || distance < best.distance) best = { threshold: place.threshold, distance }
    }
    return best?.threshold ?? null
  }

  step(key: string, far: boolean): number | null {
    const by = far ? 0.5 : 0.05
    // to the right and down: more false alarms, fewer missed
    return { ArrowRight: -by, ArrowDown: -by, ArrowLeft: by, ArrowUp: by }[key] ?? null
  }
}
