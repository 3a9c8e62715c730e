// How a bag stands: an alarm that waits for a decision, an alarm that was decided, or calm. Each must look different at a glance.
import type { Bag } from '../../shared/bag'
import { DECISION_WORDS, needsCare } from './words'

/**
 * `undecided`: an alarm or unscreenable bag that waits for a person. `decided`: one that a person has decided. `calm`: neither.
 * `screening`: no verdict yet.
 */
export type Standing = 'undecided' | 'decided' | 'calm' | 'screening'

export function standingOf(bag: Pick<Bag, 'verdict' | 'decision'>): Standing {
  if (bag.verdict === null) return 'screening'
  if (!needsCare(bag)) return 'calm'
  return bag.decision === null ? 'undecided' : 'decided'
}

/** What a person decided, in a few words: "searched · A. Operator". Null without a decision. */
export const decisionWords = ({ decision }: Pick<Bag, 'decision'>): string | null =>
  decision === null ? null : `${DECISION_WORDS[decision.action]} · ${decision.person}`

/** A calm bag that left the lane without anyone's decision: a newer bag of its lane has come. Alarms are said louder, by their standing. */
export const passedUndecided = (
  bag: Pick<Bag, 'id' | 'lane' | 'verdict' | 'decision'>,
  newestOfLane: number | undefined,
): boolean => standingOf(bag) === 'calm' && bag.decision === null && newestOfLane !== undefined && bag.id < newestOfLane
