// What the Alarms screen asks and gets: score distributions, operating curves, and the effect of a draft.
import * as z from 'zod'
import { perClass, threatClass } from './classes'
import { policyDraft, promise } from './policy'

/** A histogram of fused logits: `counts[i]` between `edges[i]` and `edges[i+1]`. */
export const histogram = z.object({ edges: z.array(z.number()), benign: z.array(z.number()), positive: z.array(z.number()) })
/** One point of the DET / precision–recall curve. */
export const curvePoint = z.object({
  threshold: z.number(),
  falseAlarmRate: z.number(),
  falseAlarmInterval: z.tuple([z.number(), z.number()]),
  recall: z.number(),
  recallInterval: z.tuple([z.number(), z.number()]),
  ppv: z.number().nullable(),
})
export const classScores = z.object({
  class: threatClass,
  histogram,
  curve: z.array(curvePoint),
  benign: z.number().int(),
  positives: z.number().int(),
})
export type ClassScores = z.infer<typeof classScores>

/** What a draft would promise, and what it would have done on the last bags of the log. */
export const draftEffect = z.object({
  promises: perClass(z.object({ advisory: promise, alarm: promise })),
  anyAlarm: promise,
  replay: z.object({
    bags: z.number().int(),
    /** bag-level counts of verdict alarm and advisory; of them those a supervisor confirmed */
    inForce: z.object({ alarms: z.number().int(), advisories: z.number().int(), confirmed: z.number().int() }),
    draft: z.object({ alarms: z.number().int(), advisories: z.number().int(), confirmed: z.number().int() }),
    /** ids of bags whose verdict would differ, newest first, at most 200 */
    differ: z.array(z.number().int()),
  }),
  warnings: z.array(z.string()),
})
export type DraftEffect = z.infer<typeof draftEffect>

/** Thresholds proposed from the lane's own scores, beside the policy in force. */
export const laneProposal = z.object({
  bags: z.number().int(),
  /** false when too few bags have been seen to support the budget; `says` tells how many more */
  ready: z.boolean(),
  says: z.string(),
  draft: policyDraft.nullable(),
})
export type LaneProposal = z.infer<typeof laneProposal>
