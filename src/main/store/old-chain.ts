// The audit's own hash chain (version 1, without a key), and what its rows say of decisions, outcomes and policies.
import { auditHash, GENESIS, type StoredAuditRow } from './audit'
import { wellFormed } from './canonical'
import type { Db } from './database'

export type OldChain = { spoilt: number[] } & (
  | { ok: true }
  /** `policies`: the subjects whose documents are not what their rows say */
  | { ok: false; at: number; why: string; policies: string[] }
)
type Detail = Record<string, unknown>

/**
 * Walks the audit rows and compares them with the tables beside. `spoilt`: rows that an earlier version itself made unverifiable, by hashing half
 * a surrogate pair that SQLite could not keep; they are proven by finding the half that gives the hash, or were found so when the chain was made.
 */
export function checkAuditRows(db: Db): OldChain {
  const spoilt: number[] = []
  const known = new Set<number>()
  let prev = GENESIS
  let seq = 0
  const faults: { at: number; why: string }[] = []
  const policies: string[] = []
  for (const row of db.prepare<[], StoredAuditRow>('SELECT * FROM audit ORDER BY seq').iterate())
    if (row.action === 'adopted') for (const n of spoiltIn(row.detail)) known.add(n)
  const beside = new Beside(db)
  for (const row of db.prepare<[], StoredAuditRow>('SELECT * FROM audit ORDER BY seq').all()) {
    seq += 1
    const broken = (why: string): void => {
      faults.push({ at: row.seq, why })
    }
    if (row.seq !== seq) broken(`row ${seq} is missing`)
    seq = row.seq
    if (row.prev !== prev) broken('it does not follow the row before it')
    prev = row.hash
    const detail = parse(row.detail)
    if (detail === null) {
      broken('its detail is not readable')
      continue
    }
    if (auditHash({ ...row, detail }) !== row.hash) {
      if (known.has(row.seq) || wasSpoilt({ ...row, detail })) spoilt.push(row.seq)
      else broken('its content was changed')
    }
    const why = beside.differs(row, wellFormed(detail))
    if (why !== null) broken(why)
    if (why !== null && row.action === 'policy') policies.push(row.subject)
  }
  const [first] = faults
  return first ? { ok: false, ...first, spoilt, policies } : { ok: true, spoilt }
}

function parse(text: string): Detail | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Detail) : null
  } catch {
    return null
  }
}

function spoiltIn(detail: string): number[] {
  const spoilt = parse(detail)?.['spoilt']
  return Array.isArray(spoilt) ? spoilt.filter((n) => typeof n === 'number') : []
}

/** Whether one or two of the replacement characters in the name stand for halves of surrogate pairs (at most 4 million tries). */
function wasSpoilt(row: Omit<StoredAuditRow, 'detail'> & { detail: Detail }): boolean {
  const { person } = row
  if (person === null) return false
  const places = [...person.matchAll(/\uFFFD/g)].map((m) => m.index)
  if (places.length === 0 || places.length > 2) return false
  const [first = 0, second] = places
  const tryHalf = (name: string, at: number, then: (name: string) => boolean): boolean => {
    for (let half = 0xd800; half <= 0xdfff; half += 1)
      if (then(name.slice(0, at) + String.fromCharCode(half) + name.slice(at + 1))) return true
    return false
  }
  const gives = (name: string): boolean => auditHash({ ...row, person: name }) === row.hash
  return tryHalf(person, first, (one) => gives(one) || (second !== undefined && tryHalf(one, second, gives)))
}

interface DecisionRow {
  bag_id: number
  action: string
  person: string
  reason: string | null
  at: number
  seconds: number | null
}
interface Place {
  x: number
  y: number
  width?: number
  height?: number
}
interface Named {
  class: string
  where?: Place | null | undefined
}
interface OutcomeRow {
  id: number
  bag_id: number
  kind: string
  class: string | null
  x: number | null
  y: number | null
  comment: string | null
  person: string
  at: number
}

/** What stands beside the audit rows in tables of its own. */
class Beside {
  readonly #decision
  readonly #outcome
  readonly #findings
  readonly #policy
  readonly #calibration

  constructor(db: Db) {
    this.#decision = db.prepare<[number], DecisionRow>('SELECT * FROM decisions WHERE audit = ?')
    this.#outcome = db.prepare<[number], OutcomeRow>('SELECT * FROM outcomes WHERE audit = ?')
    this.#findings = db
      .prepare<[number], unknown[]>('SELECT class, x, y, width, height FROM findings WHERE outcome_id = ? ORDER BY n')
      .raw()
    this.#policy = db.prepare<[number], string>('SELECT document FROM policies WHERE version = ?').pluck()
    this.#calibration = db.prepare<[number], string>('SELECT document FROM calibrations WHERE version = ?').pluck()
  }

  /** Why the table beside does not say what the row says; null where it does. */
  differs(row: StoredAuditRow, detail: Detail): string | null {
    if (row.action === 'decide') return this.#asDecided(row, detail) ? null : 'the decision differs from its audit row'
    if (row.action === 'review') return this.#asReviewed(row, detail) ? null : 'the outcome differs from its audit row'
    if (row.action === 'policy')
      return this.#asEntered(this.#policy.get(numberOf(row)), detail) ? null : 'the policy differs from its audit row'
    if (row.action === 'calibration')
      return this.#asEntered(this.#calibration.get(numberOf(row)), detail) ? null : 'the calibration differs from its audit row'
    return null
  }

  #asDecided({ seq, at, person, subject }: StoredAuditRow, { action, reason, seconds }: Detail): boolean {
    const d = this.#decision.get(seq)
    return (
      d !== undefined &&
      same([subject, person, at, action, reason, seconds], [`bag:${d.bag_id}`, d.person, d.at, d.action, d.reason, d.seconds])
    )
  }

  /** Older rows name one class and one point themselves; the table of findings has a copy of them. */
  #asReviewed({ seq, at, person, subject }: StoredAuditRow, detail: Detail): boolean {
    const o = this.#outcome.get(seq)
    if (!o) return false
    const said = [subject, person, at, detail['kind'], detail['class'], detail['comment']]
    if (!same(said, [`bag:${o.bag_id}`, o.person, o.at, o.kind, o.class, o.comment])) return false
    const where = detail['where'] as Place | null | undefined
    if (!('found' in detail) && !same([where?.x, where?.y], [o.x, o.y])) return false
    const one = typeof detail['class'] === 'string' ? [{ class: detail['class'], where }] : []
    const named = ((detail['found'] ?? one) as Named[]).flatMap((f) => [
      f.class,
      f.where?.x,
      f.where?.y,
      f.where?.width,
      f.where?.height,
    ])
    const found = this.#findings.all(o.id).flat()
    return found.length === named.length && same(named, found)
  }

  /** The parts of a document that its audit row names. */
  #asEntered(text: string | undefined, detail: Detail): boolean {
    const document = text === undefined ? null : parse(text)
    if (!document) return false
    const named = ['version', 'reason', 'calibration', 'model', 'sample'].filter((name) => name in detail)
    if (
      !same(
        named.map((name) => detail[name]),
        named.map((name) => wellFormed(document[name])),
      )
    )
      return false
    const classes = (document['classes'] ?? {}) as Record<string, Record<string, { threshold?: unknown }> | undefined>
    return Object.entries((detail['thresholds'] ?? {}) as Record<string, Record<string, unknown>>).every(([name, tiers]) =>
      Object.entries(tiers).every(([tier, threshold]) => classes[name]?.[tier]?.threshold === threshold),
    )
  }
}

const numberOf = ({ subject }: StoredAuditRow): number => Number(subject.slice(subject.indexOf(':') + 1))
const same = (a: unknown[], b: unknown[]): boolean => a.every((value, i) => (value ?? null) === (b[i] ?? null))
