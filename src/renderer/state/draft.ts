// What a person can change of a policy, held against another.
import type { PolicyDraft } from '../../shared/policy'

/** Whether two drafts say the same; what they promise follows from it. */
export const sameDraft = (a: PolicyDraft, b: PolicyDraft): boolean => JSON.stringify(essence(a)) === JSON.stringify(essence(b))

function essence({ prevalence, bagsPerHour, calibration, classes }: PolicyDraft): unknown {
  const pairs = Object.entries(classes).map(([c, { advisory, alarm }]) => [
    c,
    advisory.threshold,
    alarm.threshold,
    advisory.setBy,
    alarm.setBy,
  ])
  return { prevalence, bagsPerHour, calibration, pairs }
}
