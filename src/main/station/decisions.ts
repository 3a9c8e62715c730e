// What people do with a bag: the operator's decision and the supervisor's outcome. The screened verdict never changes by either.
import type { Bag, Decision, Outcome } from '../../shared/bag'
import type { BagLog } from './ports'
import { NotFound, Refused } from './errors'
import type { DecideInput, ReviewInput } from './types'

function screenedBag(log: BagLog, id: number): Bag {
  const bag = log.get(id)
  if (!bag) throw new NotFound(`There is no bag ${id}.`)
  if (bag.verdict === null) throw new Refused('This bag is still being screened. Wait for its verdict.')
  return bag
}

/** Throws NotFound, or Refused while the bag has no verdict yet. A later decision replaces an earlier one; both stay in the history. */
export function decide(log: BagLog, input: DecideInput, now: number): Bag {
  screenedBag(log, input.id)
  const { action, person, reason, seconds } = input
  const decision: Decision = { action, person: named(person), reason: worded(reason), seconds, at: now }
  return log.decide(input.id, decision)
}

/**
 * Throws NotFound, or Refused where the outcome does not fit the bag's verdict or lacks what it needs. An advisory is silent, so a threat in
 * such a bag may have been found by it (`confirmed`) or have passed all the same (`missed`).
 */
export function review(log: BagLog, input: ReviewInput, now: number): Bag {
  const bag = screenedBag(log, input.id)
  const threat = input.kind === 'confirmed' || input.kind === 'missed'
  if (input.kind === 'missed' && bag.verdict !== 'clear' && bag.verdict !== 'advisory')
    throw new Refused('Only a bag that passed without an alarm can have been missed. Mark this one as confirmed.')
  if (input.kind === 'confirmed' && bag.verdict === 'clear')
    throw new Refused('This bag was clear: a threat found in it was missed. Mark it as missed.')
  if (input.kind === 'false-alarm' && bag.verdict === 'clear')
    throw new Refused('This bag was clear, so there was no alarm to be false.')
  if (threat && input.found.length === 0) throw new Refused('Say which class was found.')
  if (new Set(input.found.map((f) => f.class)).size < input.found.length) throw new Refused('Name each class once.')
  const outcome: Outcome = {
    kind: input.kind,
    found: threat ? input.found : [],
    comment: worded(input.comment),
    person: named(input.person),
    at: now,
  }
  return log.review(input.id, outcome)
}

function named(person: string): string {
  const name = person.trim()
  if (name === '') throw new Refused('A name is needed: every change is signed.')
  return name
}

const worded = (words: string | null): string | null => words?.trim() || null
