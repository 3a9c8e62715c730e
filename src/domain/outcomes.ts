// What an outcome says of the bag's content.
import type { Bag, Finding, Outcome } from '../shared/bag'
import { THREAT_CLASSES, type ThreatClass, type Tier } from '../shared/classes'

/** Whether somebody found a threat in the bag, in time or too late. */
export const heldThreat = (outcome: Outcome | null): outcome is Outcome =>
  outcome?.kind === 'confirmed' || outcome?.kind === 'missed'

/** Whether a threat of the class was in the bag. */
export const held = (outcome: Outcome | null, c: ThreatClass): boolean =>
  heldThreat(outcome) && outcome.found.some((f) => f.class === c)

export interface Truth {
  /** in the bag, and an alarm said so */
  alarmed: ThreatClass[]
  /** in the bag, and a silent advisory said so */
  advised: ThreatClass[]
  /** in the bag, and nothing said so */
  unseen: ThreatClass[]
  /** an alarm, and not in the bag */
  falseAlarms: ThreatClass[]
}

/** What the network said of each class, held against what was in the bag. A bag that could not be screened said nothing. */
export function truthOf(classes: Bag['classes'], found: readonly Finding[]): Truth {
  const inBag = found.map((f) => f.class)
  const tier = (c: ThreatClass): Tier => classes?.[c].tier ?? 'none'
  return {
    alarmed: inBag.filter((c) => tier(c) === 'alarm'),
    advised: inBag.filter((c) => tier(c) === 'advisory'),
    unseen: inBag.filter((c) => tier(c) === 'none'),
    falseAlarms: THREAT_CLASSES.filter((c) => tier(c) === 'alarm' && !inBag.includes(c)),
  }
}
