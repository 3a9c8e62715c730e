// An outcome in words: what was in the bag, and what the network had said of it.
import { heldThreat, truthOf } from '../../domain/outcomes'
import type { Bag, Finding } from '../../shared/bag'
import { capital, OUTCOME_WORDS } from './words'

/** "the alarm was right: gun; no alarm for: knife; false alarm: pliers" */
export function truthWords(bag: Pick<Bag, 'classes' | 'verdict'>, found: readonly Finding[]): string {
  const { alarmed, advised, unseen, falseAlarms } = truthOf(bag.classes, found)
  const unsaid = bag.verdict === 'unscreenable' ? 'not screened' : 'no alarm for'
  const parts: [string, readonly string[]][] = [
    ['the alarm was right', alarmed],
    ['only an advisory for', advised],
    [unsaid, unseen],
    ['false alarm', falseAlarms],
  ]
  return parts.flatMap(([says, classes]) => (classes.length === 0 ? [] : [`${says}: ${classes.join(', ')}`])).join('; ')
}

/** "Confirmed: gun, knife" or "False alarm" */
export function outcomeTitle({ outcome }: Pick<Bag, 'outcome'>): string {
  if (outcome === null) return 'Not reviewed'
  const named = heldThreat(outcome) ? outcome.found.map((f) => f.class) : []
  return capital(OUTCOME_WORDS[outcome.kind]) + (named.length === 0 ? '' : `: ${named.join(', ')}`)
}
