// A bag as the log keeps it and the screens show it.
import * as z from 'zod'
import { perClass, threatClass, tier, verdict } from './classes'

const fraction = z.number().min(0).max(1)
/** A point as fractions of the original image's width and height. */
export const point = z.object({ x: fraction, y: fraction })
export type Point = z.infer<typeof point>

/** What the network and the policy said of one class. */
export const classResult = z.object({
  /** logits by level, level 1 (finest) first */
  logits: z.array(z.number()),
  /** mean of the levels' logits */
  fused: z.number(),
  /** posterior probability at the lane's prevalence under the policy that judged the bag */
  posterior: fraction,
  tier,
  /** centre of the fused map's largest cell */
  peak: point,
})
export type ClassResult = z.infer<typeof classResult>

export const timings = z.object({ decode: z.number(), infer: z.number(), total: z.number() })

/** Simple statistics of the scan itself, for drift (docs/MODEL_CONTRACT.md). */
export const imageStatistics = z.object({
  brightness: z.number(),
  background: z.number(),
  aspect: z.number(),
  bagShare: z.number(),
})
export type ImageStatistics = z.infer<typeof imageStatistics>

export const decisionAction = z.enum(['clear', 'search', 'hold'])
export type DecisionAction = z.infer<typeof decisionAction>
export const decision = z.object({
  action: decisionAction,
  person: z.string(),
  reason: z.string().nullable(),
  /** epoch ms */
  at: z.number(),
  /** seconds from the bag's appearance on the operator's screen to the decision, as the screen measured it */
  seconds: z.number().nonnegative().nullable(),
})
export type Decision = z.infer<typeof decision>

export const outcomeKind = z.enum(['confirmed', 'false-alarm', 'unsure', 'missed'])
export type OutcomeKind = z.infer<typeof outcomeKind>
/** What a supervisor found out about a bag. `class` and `where` belong to `confirmed` and `missed`. */
export const outcome = z.object({
  kind: outcomeKind,
  class: threatClass.nullable(),
  where: point.nullable(),
  comment: z.string().nullable(),
  person: z.string(),
  at: z.number(),
})
export type Outcome = z.infer<typeof outcome>

export const bag = z.object({
  id: z.number().int().positive(),
  lane: z.string(),
  path: z.string(),
  fileName: z.string(),
  sha256: z.string().nullable(),
  /** epoch ms */
  receivedAt: z.number(),
  screenedAt: z.number().nullable(),
  width: z.number().int().nullable(),
  height: z.number().int().nullable(),
  /** null while the bag is received but not yet screened */
  verdict: verdict.nullable(),
  /** why a bag is unscreenable, in plain words */
  reason: z.string().nullable(),
  classes: perClass(classResult).nullable(),
  model: z.string().nullable(),
  policy: z.number().int().nullable(),
  provider: z.string().nullable(),
  ms: timings.nullable(),
  /** the latest decision and outcome; earlier ones are in the history */
  decision: decision.nullable(),
  outcome: outcome.nullable(),
  /** true when the scan's bytes can still be shown */
  hasScan: z.boolean(),
  hasHeatmap: z.boolean(),
})
export type Bag = z.infer<typeof bag>

export const bagFilter = z.object({
  lane: z.string().optional(),
  /** alone: bags that were flagged for it, at either tier */
  class: threatClass.optional(),
  /** with `class`: that class's tier; alone: any class's */
  tier: tier.optional(),
  verdicts: z.array(verdict).optional(),
  decision: z.union([decisionAction, z.literal('none')]).optional(),
  outcome: z.union([outcomeKind, z.literal('none')]).optional(),
  /** epoch ms, inclusive / exclusive, on receivedAt */
  from: z.number().optional(),
  to: z.number().optional(),
})
export type BagFilter = z.infer<typeof bagFilter>

/** A search counts its matches up to here; this number means that many or more. */
export const MOST_COUNTED = 10_000

/** One entry of a bag's history: everything that happened to it, in order. */
export const historyEntry = z.object({
  at: z.number(),
  person: z.string().nullable(),
  action: z.string(),
  detail: z.record(z.string(), z.unknown()),
})
export type HistoryEntry = z.infer<typeof historyEntry>
