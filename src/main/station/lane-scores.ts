// What the lane teaches without labels: nearly every bag in service is benign, so sketches of its scores tell which thresholds keep a budget.
import * as z from 'zod'
import { heldThreat } from '../../domain/outcomes'
import { bagsToBound, mostEvents, upperBound } from '../../domain/rates'
import type { Sample } from '../../domain/scores'
import { heightOf, tailScales, thresholdsAt, type TailScale } from '../../domain/shared-budget'
import { Sketch } from '../../domain/sketch'
import { HOURS_PER_MONTH, anyPrevalence, promiseOf, withThreshold } from '../../domain/thresholds'
import { mapClasses, perClass, THREAT_CLASSES, type PerClass } from '../../shared/classes'
import type { Policy, PolicyDraft } from '../../shared/policy'
import type { LaneProposal } from '../../shared/alarms'
import type { BagLog, KeptState, ScoredBag } from './ports'

const sketchState = z.object({
  width: z.number().positive(),
  bins: z.array(z.tuple([z.number().int(), z.number().int().positive()])),
})
const laneState = z.object({
  schema: z.literal(1),
  lastId: z.number().int(),
  scales: perClass(z.object({ at: z.number(), scale: z.number().positive() })),
  classes: perClass(sketchState),
  heights: sketchState,
})
const SAVE_EVERY = 50
const CATCH_UP = 20_000

/** Sketches of every screened bag's scores, by class and of the bag's height (share.ts), kept over restarts; one set a model. */
export class LaneScores {
  readonly #name: string
  readonly #scales: PerClass<TailScale>
  #classes: PerClass<Sketch> = mapClasses(() => new Sketch())
  #heights = new Sketch()
  #lastId = 0
  #unsaved = 0

  /** Throws UnusableSample where the model's sample gives no units to share a budget in. */
  constructor(
    private readonly state: KeptState,
    private readonly log: Pick<BagLog, 'lastScores'>,
    modelSha256: string,
    private readonly model: string,
    sample: Sample,
  ) {
    this.#name = `lane-scores-${modelSha256.slice(0, 16)}`
    this.#scales = tailScales(sample.benign)
    this.#load()
    const missed = log.lastScores(CATCH_UP).filter((bag) => bag.id > this.#lastId)
    for (const bag of missed.reverse()) this.saw(bag)
    this.save()
  }

  /** Counts a screened bag. */
  saw(bag: Pick<ScoredBag, 'id' | 'fused' | 'model'>): void {
    if (bag.model !== this.model) return
    for (const c of THREAT_CLASSES) this.#classes[c].add(bag.fused[c])
    this.#heights.add(heightOf(bag.fused, this.#scales))
    this.#lastId = Math.max(this.#lastId, bag.id)
    if (++this.#unsaved >= SAVE_EVERY) this.save()
  }

  save(): void {
    if (this.#unsaved === 0) return
    const state: z.infer<typeof laneState> = {
      schema: 1,
      lastId: this.#lastId,
      scales: this.#scales,
      classes: mapClasses((c) => this.#classes[c].state()),
      heights: this.#heights.state(),
    }
    this.state.save(this.#name, new TextEncoder().encode(JSON.stringify(state)))
    this.#unsaved = 0
  }

  #load(): void {
    const bytes = this.state.load(this.#name)
    if (!bytes) return
    const kept = laneState.safeParse(JSON.parse(new TextDecoder().decode(bytes)))
    // heights in other units mean nothing: the log teaches them anew
    if (!kept.success || JSON.stringify(kept.data.scales) !== JSON.stringify(this.#scales)) return
    this.#classes = mapClasses((c) => new Sketch(kept.data.classes[c].width, kept.data.classes[c].bins))
    this.#heights = new Sketch(kept.data.heights.width, kept.data.heights.bins)
    this.#lastId = kept.data.lastId
  }

  /**
   * Alarm thresholds that hold the lane's alarm rate to `per1000` (upper 95 % bound), beside the policy in force. Bags that a supervisor
   * found to hold a threat are left out; threats that nobody found count as benign, which can only make the thresholds higher by a hair.
   */
  proposal(per1000: number, inForce: Policy, sample: Sample): LaneProposal {
    const heights = this.#heights.copy()
    const classes = mapClasses((c) => this.#classes[c].copy())
    let threats = 0
    for (const bag of this.log.lastScores(CATCH_UP)) {
      if (bag.model !== this.model || !heldThreat(bag.outcome)) continue
      threats++
      heights.add(heightOf(bag.fused, this.#scales), -1)
      for (const c of THREAT_CLASSES) classes[c].add(bag.fused[c], -1)
    }
    const n = heights.count
    const rate = per1000 / 1000
    const k = mostEvents(n, rate)
    const without = threats ? ` (${threats} with a known threat left out)` : ''
    if (k < 0) {
      const needed = bagsToBound(rate)
      const says = `${count(n)} bags learned from${without}; ${per1000} per 1,000 takes ${count(needed)}: ${count(needed - n)} more.`
      return { bags: n, ready: false, says, draft: null }
    }
    const level = heights.edgeFor(k)
    if (level === null) return { bags: n, ready: false, says: 'The lane has no scores yet.', draft: null }
    const thresholds = thresholdsAt(level, this.#scales)
    const by = { kind: 'lane-quantile' as const, value: per1000 }
    const base: PolicyDraft = {
      prevalence: inForce.prevalence,
      bagsPerHour: inForce.bagsPerHour,
      calibration: inForce.calibration,
      classes: inForce.classes,
    }
    const moved = THREAT_CLASSES.reduce((d, c) => withThreshold(d, c, 'alarm', thresholds[c], by), base)
    const draft: PolicyDraft = {
      ...moved,
      classes: mapClasses((c) => {
        const { advisory, alarm } = moved.classes[c]
        const positives = sample.positives[c]
        const recall = positives.length ? positives.filter((p) => p[c] >= alarm.threshold).length / positives.length : null
        const promise = promiseOf(
          { falseAlarms: classes[c].countFrom(alarm.threshold), benign: n, recall, positives: positives.length },
          { prevalence: inForce.prevalence[c], bagsPerHour: inForce.bagsPerHour },
          null,
        )
        return { advisory, alarm: { ...alarm, promise } }
      }),
    }
    const bound = upperBound(heights.countFrom(level), n)
    const perMonth = Math.round(bound * (1 - anyPrevalence(inForce.prevalence)) * inForce.bagsPerHour * HOURS_PER_MONTH)
    const says = `From ${count(n)} bags of this lane${without}: at most ${(1000 * bound).toPrecision(2)} alarms per 1,000 (95 % bound), ${count(perMonth)} a month.`
    return { bags: n, ready: true, says, draft }
  }
}

const count = (n: number): string => n.toLocaleString('en-US')
