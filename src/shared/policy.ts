// Alarm policy and calibration as data: versioned, stored, named on every verdict (ARCHITECTURE.md, decision 6).
import * as z from 'zod'
import { perClass } from './classes'

/** `bag`: the budget is the bag's, shared by all five classes; left out: this class's alone. */
const scope = z.literal('bag').optional()
/** How a threshold was chosen. */
export const setBy = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('manifest') }),
  z.object({ kind: z.literal('hand') }),
  /** at most this many false alarms per 1,000 benign bags */
  z.object({ kind: z.literal('budget-per-1000'), value: z.number().positive().max(1000), scope }),
  /** at most this many false alarms an hour at the policy's throughput */
  z.object({ kind: z.literal('budget-per-hour'), value: z.number().positive(), scope }),
  /** at least this share of threats found */
  z.object({ kind: z.literal('recall'), value: z.number().gt(0).max(1) }),
  /** cost of a miss in false alarms: alarm where posterior ≥ 1 / (1 + ratio) */
  z.object({ kind: z.literal('cost-ratio'), value: z.number().positive() }),
  /** proposed from the lane's own unlabelled scores */
  z.object({ kind: z.literal('lane-quantile'), value: z.number().positive().max(1000) }),
])
export type SetBy = z.infer<typeof setBy>

const rate = z.number().min(0).max(1)
/** What a threshold promises on the calibration sample, with 95 % bounds. */
export const promise = z.object({
  benign: z.number().int().nonnegative(),
  positives: z.number().int().nonnegative(),
  falseAlarmRate: rate,
  falseAlarmUpper95: rate,
  recall: rate.nullable(),
  recallInterval: z.tuple([rate, rate]).nullable(),
  /** positive predictive value at the policy's prevalence and the *bound* of the false-alarm rate: at least this */
  ppv: rate.nullable(),
  falseAlarmsPerHour: z.number().nonnegative(),
  falseAlarmsPerHourUpper95: z.number().nonnegative(),
  falseAlarmsPerMonth: z.number().nonnegative(),
  missesPerHour: z.number().nonnegative().nullable(),
  missesPerMonth: z.number().nonnegative().nullable(),
  /** further benign bags needed before the budget can be promised at 95 %; 0 when it is, null without a budget */
  moreBenignNeeded: z.number().int().nonnegative().nullable(),
})
export type ThresholdPromise = z.infer<typeof promise>

export const tierPolicy = z.object({
  /** on the fused logit: a bag reaches the tier when fused ≥ threshold */
  threshold: z.number(),
  setBy,
  promise: promise.nullable(),
})
export type TierPolicy = z.infer<typeof tierPolicy>

export const classPolicy = z
  .object({ advisory: tierPolicy, alarm: tierPolicy })
  .refine((p) => p.advisory.threshold <= p.alarm.threshold, 'the advisory threshold may not lie above the alarm threshold')
export type ClassPolicy = z.infer<typeof classPolicy>

/** What a person may edit; the station adds version, time and author. */
export const policyDraft = z.object({
  /** share of the lane's bags that hold the class */
  prevalence: perClass(z.number().gt(0).lt(0.5)),
  bagsPerHour: z.number().positive(),
  classes: perClass(classPolicy),
  /** calibration that turns fused logits into probabilities */
  calibration: z.number().int().positive(),
})
export type PolicyDraft = z.infer<typeof policyDraft>

export const policy = policyDraft.extend({
  version: z.number().int().positive(),
  createdAt: z.number(),
  author: z.string(),
  reason: z.string(),
  /** manifest name@version and hash of the model that the thresholds belong to */
  model: z.string(),
  modelSha256: z.string(),
  /** the bag-level promise: any class's alarm on a benign bag */
  anyAlarm: promise.nullable(),
})
export type Policy = z.infer<typeof policy>

/** Fused logit → probability in the calibration sample. */
export const calibrationMap = z.discriminatedUnion('method', [
  /** sigmoid(a·z + b), a > 0 */
  z.object({ method: z.literal('platt'), a: z.number().positive(), b: z.number() }),
  /** piecewise linear through (z, p), both non-decreasing, ends held */
  z.object({ method: z.literal('isotonic'), z: z.array(z.number()).min(1), p: z.array(z.number().min(0).max(1)).min(1) }),
])
export type CalibrationMap = z.infer<typeof calibrationMap>

export const classCalibration = z.object({
  map: calibrationMap,
  /** share of positives in the calibration sample */
  prevalence: z.number().gt(0).lt(1),
  positives: z.number().int().nonnegative(),
  negatives: z.number().int().nonnegative(),
  /** held-out log-loss of each method (nats a bag); null where not measured */
  logLoss: z.object({ platt: z.number(), isotonic: z.number() }).nullable(),
  /** expected calibration error, held out */
  ece: z.number().nullable(),
  reliability: z.array(z.object({ predicted: z.number(), observed: z.number(), n: z.number().int() })),
})
export type ClassCalibration = z.infer<typeof classCalibration>

export const calibration = z.object({
  version: z.number().int().positive(),
  createdAt: z.number(),
  author: z.string(),
  sample: z.string(),
  model: z.string(),
  modelSha256: z.string(),
  classes: perClass(classCalibration),
})
export type Calibration = z.infer<typeof calibration>
