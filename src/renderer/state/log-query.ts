// The log's filter as a URL's query, and back.
import * as z from 'zod'
import { decisionAction, outcomeKind, type BagFilter } from '../../shared/bag'
import { threatClass, tier as tierSchema, verdict as verdictSchema, type Verdict } from '../../shared/classes'
import { NAMED, spanOf, type NamedPeriod } from './period'

export const FLAGGED: readonly Verdict[] = ['alarm', 'unscreenable', 'advisory']
export const ALL: readonly Verdict[] = verdictSchema.options

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
  period: z.enum(NAMED).optional().catch(undefined),
})

/** A filter, and the named period that its instants were reckoned from. */
export interface LogQuery {
  filter: BagFilter
  period: NamedPeriod | null
}

/** The filter that a URL's query says; flagged bags where it says nothing. A named period is reckoned from `now`, epoch ms. */
export function filterFrom(query: string, now: number): LogQuery {
  const { period, ...parsed } = inUrl.parse(Object.fromEntries(new URLSearchParams(query)))
  const verdicts = parsed.verdicts === undefined || parsed.verdicts.length === 0 ? [...FLAGGED] : parsed.verdicts
  const { from, to }: { from?: number | undefined; to?: number | undefined } = period === undefined ? parsed : spanOf(period, now)
  return { filter: cleaned({ ...parsed, verdicts, from, to }), period: period ?? null }
}

/** A filter as the URL's query; the default filter is the empty one. */
export function queryOf({ filter, period }: LogQuery): string {
  const { verdicts, from, to, ...rest } = filter
  const query = new URLSearchParams()
  const times = period === null ? { from, to } : { period }
  for (const [key, value] of Object.entries({ ...rest, ...times })) if (value !== undefined) query.set(key, String(value))
  if (verdicts !== undefined && (verdicts.length !== FLAGGED.length || FLAGGED.some((v) => !verdicts.includes(v))))
    query.set('verdicts', verdicts.join(','))
  return query.toString()
}

/** Without what is not set. */
export function cleaned(filter: { [K in keyof BagFilter]: BagFilter[K] | undefined }): BagFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, v]) => v !== undefined && v !== ''))
}
