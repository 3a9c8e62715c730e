// The log's filter as a URL's query, and back.
import * as z from 'zod'
import { decisionAction, outcomeKind, type BagFilter } from '../../shared/bag'
import { threatClass, tier as tierSchema, verdict as verdictSchema, type Verdict } from '../../shared/classes'

export const FLAGGED: readonly Verdict[] = ['alarm', 'unscreenable', 'advisory']

/** What the URL may say; anything else in it is left out. */
const inUrl = z.object({
  lane: z.string().optional().catch(undefined),
  class: threatClass.optional().catch(undefined),
  tier: tierSchema.optional().catch(undefined),
  verdicts: z
    .string()
    .transform((s) => s.split(',').filter((v) => verdictSchema.safeParse(v).success) as Verdict[])
    .optional(),
  decision: z
    .union([decisionAction, z.literal('none')])
    .optional()
    .catch(undefined),
  outcome: z
    .union([outcomeKind, z.literal('none')])
    .optional()
    .catch(undefined),
  from: z.coerce.number().optional().catch(undefined),
  to: z.coerce.number().optional().catch(undefined),
})

/** The filter that a URL's query says; flagged bags where it says nothing. */
export function filterFrom(query: string): BagFilter {
  const parsed = inUrl.parse(Object.fromEntries(new URLSearchParams(query)))
  const verdicts = parsed.verdicts === undefined || parsed.verdicts.length === 0 ? [...FLAGGED] : parsed.verdicts
  const set = Object.entries({ ...parsed, verdicts }).filter(([, v]) => v !== undefined)
  return Object.fromEntries(set)
}
/** A filter as the URL's query; the default filter is the empty one. */
export function queryOf(filter: BagFilter): string {
  const { verdicts, ...rest } = filter
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(rest)) if (value !== undefined) query.set(key, String(value))
  if (verdicts !== undefined && (verdicts.length !== FLAGGED.length || FLAGGED.some((v) => !verdicts.includes(v))))
    query.set('verdicts', verdicts.join(','))
  return query.toString()
}
