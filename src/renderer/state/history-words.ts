// One line of a bag's history in words.
import { finding, outcomeKind, decisionAction, type HistoryEntry } from '../../shared/bag'
import { placeWords } from './place'
import { DECISION_WORDS, OUTCOME_WORDS } from './words'

/** What happened: "searched", "false alarm", "screened". */
export function entryTitle({ action, detail }: HistoryEntry): string {
  const decided = decisionAction.safeParse(detail['action'])
  if (action === 'decide' && decided.success) return DECISION_WORDS[decided.data]
  const kind = outcomeKind.safeParse(detail['kind'])
  if (action === 'review' && kind.success) return `reviewed: ${OUTCOME_WORDS[kind.data]}`
  return action
}

/** Said above the history already. */
const ABOVE = ['lane', 'path', 'sha256', 'model', 'provider', 'action', 'kind', 'found']

/** What else is known of it: "gun (box, 40 % from the left …), taped under the lid". */
export function entryWords({ detail }: HistoryEntry): string {
  const rest = Object.entries(detail)
    .filter(([key, v]) => v !== null && typeof v !== 'object' && !ABOVE.includes(key))
    .map(([key, v]) => (key === 'comment' || key === 'reason' ? `“${String(v)}”` : `${key} ${String(v)}`))
  const found = finding.array().safeParse(detail['found'])
  const threats = (found.success ? found.data : []).map(({ class: c, where }) =>
    where === null ? c : `${c} (${where.shape}, ${placeWords(where)})`,
  )
  return [...threats, ...rest].join(', ')
}
