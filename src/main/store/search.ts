// Builds the log's search: every filter starts from an index that ends in the bag's id, so a page costs the same at any length of the log.
import { MOST_COUNTED, type BagFilter } from '../../shared/bag'
import type { Verdict } from '../../shared/classes'

/** Matches are counted up to here; more are reported as this number. An exact count of millions would cost more than the page itself. */
export const TOTAL_CAP = MOST_COUNTED

type Value = string | number
interface Condition {
  sql: string
  values: Value[]
}
export interface Query {
  sql: string
  values: Value[]
}
export interface IdRange {
  low: number
  high: number
}

const not = (word: Verdict): boolean => word !== 'clear'
/** A unary plus keeps SQLite from starting at this column's index: one index a query, the rarest. */
const equals = (column: string, value: Value, drives: boolean): Condition => ({
  sql: `${drives ? '' : '+'}${column} = ?`,
  values: [value],
})

/**
 * The filter as arms whose matches are disjoint; each reads one index backwards in id order and stops at the page's end.
 * Which index: a class's tier, else an outcome, else a decision, else the verdict, else the lane, else the id itself.
 */
function arms(filter: BagFilter, range: IdRange | null): { from: string; conditions: Condition[] }[] {
  const { lane, outcome, decision } = filter
  const tier = filter.tier
  const flaggedTier = tier === undefined ? (['alarm', 'advisory'] as const) : tier === 'none' ? [] : [tier]
  const byScore = filter.class !== undefined && flaggedTier.length > 0
  const byOutcome = !byScore && outcome !== undefined && outcome !== 'none'
  const byDecision = !byScore && !byOutcome && decision !== undefined && decision !== 'none'

  // any class at a tier narrows the verdict, which has an index
  let verdicts = filter.verdicts
  if (filter.class === undefined && (tier === 'alarm' || tier === 'advisory')) {
    const possible: Verdict[] = tier === 'alarm' ? ['alarm'] : ['alarm', 'advisory']
    verdicts = verdicts ? possible.filter((v) => verdicts?.includes(v)) : possible
  }
  verdicts = verdicts && [...new Set(verdicts)]
  const byVerdict = !byScore && !byOutcome && !byDecision && verdicts !== undefined && (lane === undefined || verdicts.every(not))
  const byLane = !byScore && !byOutcome && !byDecision && !byVerdict

  const common: Condition[] = []
  if (lane !== undefined) common.push(equals('b.lane', lane, byLane))
  if (outcome === 'none') common.push({ sql: 'b.outcome_kind IS NULL', values: [] })
  else if (outcome !== undefined) common.push(equals('b.outcome_kind', outcome, byOutcome))
  if (decision === 'none') common.push({ sql: 'b.decision_action IS NULL', values: [] })
  else if (decision !== undefined) common.push(equals('b.decision_action', decision, byDecision))
  if (verdicts && !byVerdict)
    common.push({ sql: `+b.verdict IN (${verdicts.map(() => '?').join(', ') || 'NULL'})`, values: verdicts })
  if (filter.from !== undefined) common.push({ sql: '+b.received_at >= ?', values: [filter.from] })
  if (filter.to !== undefined) common.push({ sql: '+b.received_at < ?', values: [filter.to] })
  if (tier === 'none' && filter.class !== undefined)
    common.push({
      sql: `EXISTS (SELECT 1 FROM class_scores s WHERE s.bag_id = b.id AND s.class = ? AND s.tier = 'none')`,
      values: [filter.class],
    })
  else if (filter.class === undefined && (tier === 'none' || tier === 'advisory'))
    common.push({ sql: 'EXISTS (SELECT 1 FROM class_scores s WHERE s.bag_id = b.id AND s.tier = ?)', values: [tier] })

  const idColumn = byScore ? 's.bag_id' : 'b.id'
  if (range) common.push({ sql: `${idColumn} BETWEEN ? AND ?`, values: [range.low, range.high] })

  if (byScore && filter.class !== undefined) {
    const name = filter.class
    return flaggedTier.map((t) => ({
      from: 'class_scores s CROSS JOIN bags b ON b.id = s.bag_id',
      conditions: [{ sql: `s.class = ? AND s.tier = ? AND s.tier <> 'none'`, values: [name, t] }, ...common],
    }))
  }
  if (byVerdict && verdicts)
    return verdicts.map((v) => ({ from: 'bags b', conditions: [equals('b.verdict', v, true), ...common] }))
  return [{ from: 'bags b', conditions: common }]
}

const idOf = (from: string): string => (from.startsWith('class_scores') ? 's.bag_id' : 'b.id')
const where = (conditions: Condition[]): string =>
  conditions.length ? `WHERE ${conditions.map((c) => c.sql).join(' AND ')}` : ''

/** Ids of a page, newest first: those below `before`. `range`: ids that the time filter leaves, when it was looked up. */
export function pageQuery(filter: BagFilter, range: IdRange | null, before: number | undefined, limit: number): Query {
  const parts = arms(filter, range).map(({ from, conditions }) => {
    const id = idOf(from)
    const all = before === undefined ? conditions : [...conditions, { sql: `${id} < ?`, values: [before] }]
    return {
      sql: `SELECT id FROM (SELECT ${id} AS id FROM ${from} ${where(all)} ORDER BY ${id} DESC LIMIT ?)`,
      values: [...all.flatMap((c) => c.values), limit],
    }
  })
  if (parts.length === 0) return { sql: 'SELECT 1 AS id WHERE 0', values: [] }
  return {
    sql: `${parts.map((p) => p.sql).join(' UNION ALL ')} ORDER BY id DESC LIMIT ?`,
    values: [...parts.flatMap((p) => p.values), limit],
  }
}

/** How many match, counted to TOTAL_CAP + 1 in each arm. */
export function countQuery(filter: BagFilter, range: IdRange | null): Query {
  const parts = arms(filter, range).map(({ from, conditions }) => ({
    sql: `SELECT count(*) AS n FROM (SELECT 1 FROM ${from} ${where(conditions)} LIMIT ${TOTAL_CAP})`,
    values: conditions.flatMap((c) => c.values),
  }))
  if (parts.length === 0) return { sql: 'SELECT 0 AS n', values: [] }
  return {
    sql: `SELECT sum(n) AS n FROM (${parts.map((p) => p.sql).join(' UNION ALL ')})`,
    values: parts.flatMap((p) => p.values),
  }
}
