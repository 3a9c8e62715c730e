// A bag as the log keeps it and the screens show it.
import * as z from 'zod'
import { perClass, THREAT_CLASSES, threatClass, tier, verdict } from './classes'

const fraction = z.number().min(0).max(1)
/** A point as fractions of the original image's width and height. */
export const point = z.object({ x: fraction, y: fraction })
export type Point = z.infer<typeof point>

/** Where something lies on the scan: a point, or a box from its upper left corner. Fractions of the original image's width and height. */
export const place = z.discriminatedUnion('shape', [
  point.extend({ shape: z.literal('point') }),
  point
    .extend({ shape: z.literal('box'), width: fraction.gt(0), height: fraction.gt(0) })
    // a hair more than 1 is rounding
    .refine((b) => b.x + b.width <= 1 + 1e-9 && b.y + b.height <= 1 + 1e-9, 'the box reaches out of the scan'),
])
export type Place = z.infer<typeof place>

/** A part of the scan from its upper left corner, as fractions of the original image's width and height. */
export const region = point.extend({ width: fraction, height: fraction })
export type Region = z.infer<typeof region>

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

/** One of the bags that lie on a scan (a belt frame holds several): where, and what was found in it. */
export const bagOnScan = z.object({
  box: region,
  verdict: verdict.exclude(['unscreenable']),
  classes: perClass(classResult.omit({ logits: true })),
})
export type BagOnScan = z.infer<typeof bagOnScan>

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
/** A threat that was really in the bag, and where on the scan, if somebody said so. */
export const finding = z.object({ class: threatClass, where: place.nullable() })
export type Finding = z.infer<typeof finding>
/** What a supervisor found out about a bag. `confirmed` and `missed` name every threat that was in it, each class once; else `found` is empty. */
export const outcome = z.object({
  kind: outcomeKind,
  found: z.array(finding).max(THREAT_CLASSES.length),
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
  /** of each class what the worst of the scan's bags gave */
  classes: perClass(classResult).nullable(),
  /** the bags on the scan, from left to right; its verdict is the worst of theirs. Absent while not screened, when unscreenable, and of scans of old models. */
  bags: z.array(bagOnScan).min(1).optional(),
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
