// The audit: one append-only row for every change a person makes, each hashed together with the one before, so that tampering shows.
import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical'
import type { Db } from './database'

export interface AuditEntry {
  at: number
  /** null: the station itself */
  person: string | null
  action: string
  /** e.g. 'bag:17', 'policy:3', 'station' */
  subject: string
  detail: Record<string, unknown>
}
export interface AuditRow extends AuditEntry {
  seq: number
  prev: string
  hash: string
}
export type AuditFinding = { ok: true; rows: number; head: string } | { ok: false; rows: number; brokenAt: number; why: string }

/** What the first row follows. */
export const GENESIS = '0'.repeat(64)

/** SHA-256 (hex) over canonical JSON of a row's content and the hash before it. */
export function auditHash(row: Omit<AuditRow, 'hash'>): string {
  const { seq, at, person, action, subject, detail, prev } = row
  return createHash('sha256').update(canonicalJson({ seq, at, person, action, subject, detail, prev })).digest('hex')
}

interface StoredRow {
  seq: number
  at: number
  person: string | null
  action: string
  subject: string
  detail: string
  prev: string
  hash: string
}

export class Audit {
  readonly #last
  readonly #insert
  readonly #of
  readonly #all
  readonly #head
  readonly #loose

  constructor(db: Db) {
    this.#last = db.prepare<[], { seq: number; hash: string }>('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1')
    this.#insert = db.prepare<StoredRow>(
      'INSERT INTO audit (seq, at, person, action, subject, detail, prev, hash) VALUES (@seq, @at, @person, @action, @subject, @detail, @prev, @hash)',
    )
    this.#of = db.prepare<[string], StoredRow>('SELECT * FROM audit WHERE subject = ? ORDER BY seq')
    this.#all = db.prepare<[], StoredRow>('SELECT * FROM audit ORDER BY seq')
    this.#head = db.prepare<[], number>('SELECT count(*) FROM audit').pluck()
    this.#loose = LOOSE.map((sql) => db.prepare<[], { seq: number; why: string }>(sql))
  }

  /** Adds a row; call inside an immediate transaction together with the change itself. Returns its seq. */
  add(entry: AuditEntry): number {
    const last = this.#last.get()
    const seq = (last?.seq ?? 0) + 1
    const row = { ...entry, at: Math.round(entry.at), seq, prev: last?.hash ?? GENESIS }
    this.#insert.run({ ...row, detail: canonicalJson(row.detail), hash: auditHash(row) })
    return seq
  }

  /** Everything about one subject, oldest first. */
  of(subject: string): AuditRow[] {
    return this.#of.all(subject).map((row) => ({ ...row, detail: JSON.parse(row.detail) as Record<string, unknown> }))
  }

  /**
   * Walks the chain and finds the first row that was changed, removed or put in, then checks that decisions, outcomes and bags still say what
   * their audit rows say. Rows cut off the end leave no trace in the chain itself: keep `head` elsewhere to notice that.
   */
  verify(): AuditFinding {
    const rows = this.#head.get() ?? 0
    let prev = GENESIS
    let seq = 0
    for (const row of this.#all.iterate()) {
      seq += 1
      const broken = (why: string): AuditFinding => ({ ok: false, rows, brokenAt: row.seq, why })
      if (row.seq !== seq) return broken(`row ${seq} is missing`)
      if (row.prev !== prev) return broken('it does not follow the row before it')
      let detail: Record<string, unknown>
      try {
        detail = JSON.parse(row.detail) as Record<string, unknown>
      } catch {
        return broken('its detail is not readable')
      }
      if (auditHash({ ...row, detail }) !== row.hash) return broken('its content was changed')
      prev = row.hash
    }
    for (const check of this.#loose) {
      const found = check.get()
      if (found) return { ok: false, rows, brokenAt: found.seq, why: found.why }
    }
    return { ok: true, rows, head: prev }
  }
}

const PLACE = ['x', 'y', 'width', 'height']
/** Each finds a row of another table that differs from what its audit row says. */
const LOOSE = [
  `SELECT a.seq, 'the decision differs from its audit row' AS why FROM audit a LEFT JOIN decisions d ON d.audit = a.seq
   WHERE a.action = 'decide' AND (d.id IS NULL OR a.subject IS NOT 'bag:' || d.bag_id OR a.person IS NOT d.person OR a.at IS NOT d.at
     OR a.detail ->> 'action' IS NOT d.action OR a.detail ->> 'reason' IS NOT d.reason) ORDER BY a.seq LIMIT 1`,
  `SELECT a.seq, 'the outcome differs from its audit row' AS why FROM audit a LEFT JOIN outcomes o ON o.audit = a.seq
   WHERE a.action = 'review' AND (o.id IS NULL OR a.subject IS NOT 'bag:' || o.bag_id OR a.person IS NOT o.person OR a.at IS NOT o.at
     OR a.detail ->> 'kind' IS NOT o.kind OR a.detail ->> 'class' IS NOT o.class OR a.detail ->> 'comment' IS NOT o.comment) ORDER BY a.seq LIMIT 1`,
  // an outcome written before there were several threats a bag says one class and one point itself
  `SELECT a.seq, 'the threats found differ from the audit row' AS why FROM audit a JOIN outcomes o ON o.audit = a.seq
   WHERE a.action = 'review' AND (
     SELECT json_group_array(json_array(class, x, y, width, height)) FROM (SELECT * FROM findings WHERE outcome_id = o.id ORDER BY n)
   ) IS NOT (
     SELECT json_group_array(json_array(value ->> 'class', ${PLACE.map((k) => `CAST(value -> 'where' ->> '${k}' AS REAL)`).join(', ')}))
     FROM json_each(coalesce(a.detail -> 'found',
       iif(a.detail ->> 'class' IS NULL, '[]', json_array(json_object('class', a.detail ->> 'class', 'where', a.detail -> 'where')))))
   ) ORDER BY a.seq LIMIT 1`,
  `SELECT d.audit AS seq, 'the bag does not show its latest decision' AS why FROM decisions d JOIN bags b ON b.id = d.bag_id
   GROUP BY d.bag_id HAVING max(d.id) IS NOT b.decision OR d.action IS NOT b.decision_action LIMIT 1`,
  `SELECT o.audit AS seq, 'the bag does not show its latest outcome' AS why FROM outcomes o JOIN bags b ON b.id = o.bag_id
   GROUP BY o.bag_id HAVING max(o.id) IS NOT b.outcome OR o.kind IS NOT b.outcome_kind LIMIT 1`,
]
