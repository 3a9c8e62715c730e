// The one contract between station and screens: procedures and events, bound to Electron's message port and to the WebSocket alike.
import { eventIterator, oc } from '@orpc/contract'
import * as z from 'zod'
import { bag, bagFilter, decisionAction, historyEntry, outcome, outcomeKind } from './bag'
import { threatClass, tier } from './classes'
import { calibration, policy, policyDraft, setBy } from './policy'
import { driftReport, stationStatus } from './status'
import { classScores, draftEffect, laneProposal } from './alarms'

/**
 * What people type. Half a surrogate pair (an emoji cut in two by a length limit) becomes U+FFFD here: it has no UTF-8, so the database could not
 * give back what was entered in the record.
 */
const text = z.string().overwrite((typed) => typed.toWellFormed())
const person = text.trim().min(1).max(80)
const bagId = z.object({ id: z.number().int().positive() })

/** Everything that changes on its own. A subscriber first gets the current status. */
export const stationEvent = z.discriminatedUnion('type', [
  /** a bag was received, screened, decided or reviewed: its whole new state */
  z.object({ type: z.literal('bag'), bag }),
  z.object({ type: z.literal('status'), status: stationStatus }),
  z.object({ type: z.literal('policy'), version: z.number().int() }),
])
export type StationEvent = z.infer<typeof stationEvent>

/** Errors that a caller can act on. */
const errors = {
  NOT_FOUND: { message: 'There is no such bag or version.' },
  REFUSED: { message: 'The station refused this change.', data: z.object({ why: z.string() }) },
}

export const contract = oc.errors(errors).router({
  events: oc.output(eventIterator(stationEvent)),
  status: oc.output(stationStatus),
  bags: {
    /** newest first */
    recent: oc.input(z.object({ limit: z.number().int().min(1).max(500) })).output(z.array(bag)),
    get: oc.input(bagId).output(bag),
    /** newest first; `before` is the id below which to go on; `total` is counted to MOST_COUNTED, which means that many or more */
    search: oc
      .input(
        z.object({ filter: bagFilter, before: z.number().int().positive().optional(), limit: z.number().int().min(1).max(200) }),
      )
      .output(z.object({ bags: z.array(bag), next: z.number().int().nullable(), total: z.number().int() })),
    history: oc.input(bagId).output(z.array(historyEntry)),
    decide: oc
      .input(
        bagId.extend({
          action: decisionAction,
          person,
          reason: text.max(2000).nullable(),
          seconds: z.number().nonnegative().nullable(),
        }),
      )
      .output(bag),
    review: oc
      .input(
        bagId.extend({
          kind: outcomeKind,
          found: outcome.shape.found,
          comment: text.max(2000).nullable(),
          person,
        }),
      )
      .output(bag),
  },
  policy: {
    current: oc.output(policy),
    list: oc.output(z.array(policy)),
    get: oc.input(z.object({ version: z.number().int() })).output(policy),
    calibration: oc.input(z.object({ version: z.number().int() })).output(calibration),
    /** what a draft promises and would have done on the last bags */
    try: oc.input(z.object({ draft: policyDraft, lastBags: z.number().int().min(1).max(20000) })).output(draftEffect),
    /** sets one threshold of a draft by a rule; refuses what the sample can't support with the reason */
    set: oc
      .input(z.object({ draft: policyDraft, class: threatClass, tier: tier.exclude(['none']), by: setBy }))
      .output(policyDraft),
    /** sets one tier of all classes by a false-alarm budget of the bag, which the classes share */
    share: oc.input(z.object({ draft: policyDraft, tier: tier.exclude(['none']), by: setBy })).output(policyDraft),
    save: oc.input(z.object({ draft: policyDraft, person, reason: text.trim().min(1).max(2000) })).output(policy),
    /** makes a new version equal to an old one */
    rollBack: oc.input(z.object({ version: z.number().int(), person, reason: text.trim().min(1).max(2000) })).output(policy),
  },
  alarms: {
    of: oc.input(z.object({ class: threatClass, draft: policyDraft.optional() })).output(classScores),
    proposal: oc.input(z.object({ per1000: z.number().positive().max(1000) })).output(laneProposal),
    drift: oc.output(driftReport),
  },
})
export type Contract = typeof contract
