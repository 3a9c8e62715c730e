// Failures that concern no single bag, in plain words, until they are over.
import type { Trouble } from '../../shared/status'
import type { Say } from './ports'

/**
 * Whether a kind of failure reaches every bag, so that until it is over all of them must be treated as alarms. By kind and not by its words:
 * they come from the system below and may be reworded, and no wording may make a grave trouble look like one for a supervisor.
 */
const GRAVE = {
  archive: true,
  log: true,
  heatmap: false,
  'let-go': false,
  alarms: false,
  policy: false,
  audit: false,
  /** a policy that somebody has changed is refused */
  forged: true,
  database: true,
  missing: false,
  backup: false,
}
export type TroubleKind = keyof typeof GRAVE

export class Troubles {
  readonly #now = new Map<TroubleKind, string>()

  constructor(
    private readonly changed: () => void,
    private readonly say: Say,
  ) {}

  /** Of each kind only the newest is kept. */
  raise(kind: TroubleKind, words: string): void {
    if (this.#now.get(kind) === words) return
    this.#now.set(kind, words)
    this.say(`trouble: ${words}`, GRAVE[kind] ? 'error' : 'warn')
    this.changed()
  }

  over(kind: TroubleKind): void {
    if (!this.#now.delete(kind)) return
    this.say(`trouble over: ${kind}`)
    this.changed()
  }

  list(): Trouble[] {
    return [...this.#now].map(([kind, text]) => ({ text, grave: GRAVE[kind] }))
  }
}
