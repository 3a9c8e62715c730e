// What a draft of an alarm policy would have done on the lane's last bags, and what a person must know before it is saved.
import { heldThreat } from '../../domain/outcomes'
import { tiersOf, verdictOf } from '../../domain/policy'
import { THREAT_CLASSES } from '../../shared/classes'
import type { DraftEffect } from '../../shared/alarms'
import type { Policy, PolicyDraft } from '../../shared/policy'
import type { ScoredBag } from './ports'

/** Bags named where a draft judges otherwise than the policy in force; the contract's limit. */
const DIFFER = 200
/** Lost threats named in a warning. */
const NAMED = 5

export function replay(draft: PolicyDraft, inForce: Policy, bags: readonly ScoredBag[]): DraftEffect['replay'] {
  const now = { alarms: 0, advisories: 0, confirmed: 0 }
  const drafted = { alarms: 0, advisories: 0, confirmed: 0 }
  const differ: number[] = []
  for (const bag of bags) {
    const verdicts = [inForce, draft].map((p) => verdictOf(tiersOf(bag.fused, p)))
    for (const [i, counts] of [now, drafted].entries()) {
      if (verdicts[i] === 'alarm') counts.alarms++
      else if (verdicts[i] === 'advisory') counts.advisories++
      if (heldThreat(bag.outcome) && verdicts[i] === 'alarm') counts.confirmed++
    }
    if (verdicts[0] !== verdicts[1] && differ.length < DIFFER) differ.push(bag.id)
  }
  return { bags: bags.length, inForce: now, draft: drafted, differ }
}

/** `benign`: bags of the sample that the promises rest on. */
export function warnings(
  draft: PolicyDraft,
  { promises }: Pick<DraftEffect, 'promises'>,
  benign: number,
  bags: readonly ScoredBag[],
): string[] {
  const threats = bags.filter((bag) => heldThreat(bag.outcome))
  return [
    benign === 0 ? 'The model came without held-out scores: nothing can be promised of any threshold.' : null,
    unseen(promises),
    weak(promises),
    lost(draft, threats),
    counted(threats.filter((bag) => bag.outcome?.found.length).length),
  ].filter((words) => words !== null)
}

function unseen(promises: DraftEffect['promises']): string | null {
  const classes = THREAT_CLASSES.filter((c) => promises[c].alarm.positives === 0)
  return classes.length ? `No bag with ${classes.join(', ')} is in the sample: how many would be found is not known.` : null
}

function weak(promises: DraftEffect['promises']): string | null {
  const recall = (c: (typeof THREAT_CLASSES)[number]): number => promises[c].alarm.recall ?? 1
  const classes = THREAT_CLASSES.filter((c) => recall(c) < 0.5).map((c) => `${c} (finds ${Math.round(100 * recall(c))} %)`)
  return classes.length ? `The alarm would miss more than half of: ${classes.join(', ')}.` : null
}

function lost(draft: PolicyDraft, threats: readonly ScoredBag[]): string | null {
  const ids = threats.filter((bag) => verdictOf(tiersOf(bag.fused, draft)) === 'clear').map(({ id }) => id)
  const more = ids.length > NAMED ? ' …' : ''
  return ids.length ? `Bags that held a threat and would pass as clear: ${ids.slice(0, NAMED).join(', ')}${more}.` : null
}

function counted(reviewed: number): string | null {
  const bags = reviewed === 1 ? 'bag' : 'bags'
  return reviewed
    ? `The shares found include ${reviewed} reviewed ${bags} of the lane; threats that nobody found are not among them.`
    : null
}
