// What the log's filter means, said of one bag: the store finds the same bags from its indexes.
import type { Bag, BagFilter } from '../shared/bag'
import { THREAT_CLASSES } from '../shared/classes'

/** Whether a bag belongs to a filter's list. A class alone means: flagged for it, at either tier. */
export function matches(bag: Bag, filter: BagFilter): boolean {
  const { lane, class: name, tier, verdicts, decision, outcome, from = -Infinity, to = Infinity } = filter
  const tiers = THREAT_CLASSES.filter((c) => name === undefined || c === name).map((c) => bag.classes?.[c].tier)
  return (
    (lane === undefined || bag.lane === lane) &&
    (tier === undefined || tiers.includes(tier)) &&
    (tier !== undefined || name === undefined || tiers.includes('alarm') || tiers.includes('advisory')) &&
    (verdicts === undefined || (bag.verdict !== null && verdicts.includes(bag.verdict))) &&
    (decision === undefined || (bag.decision?.action ?? 'none') === decision) &&
    (outcome === undefined || (bag.outcome?.kind ?? 'none') === outcome) &&
    bag.receivedAt >= from &&
    bag.receivedAt < to
  )
}
