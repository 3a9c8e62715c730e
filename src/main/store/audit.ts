// The audit: one append-only row for every change a person makes, each hashed together with the one before, and bound by the chain.
import { createHash } from 'node:crypto'
import { canonicalJson, wellFormed } from './canonical'
import type { Bind } from './chain'
import type { Db } from './database'
import { KIND } from './records'

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

/** What the first row follows. */
export const GENESIS = '0'.repeat(64)

/** SHA-256 (hex) over canonical JSON of a row's content and the hash before it. */
export function auditHash(row: Omit<AuditRow, 'hash'>): string {
  const { seq, at, person, action, subject, detail, prev } = row
  return createHash('sha256').update(canonicalJson({ seq, at, person, action, subject, detail, prev })).digest('hex')
}

export interface StoredAuditRow {
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

  constructor(db: Db) {
    this.#last = db.prepare<[], { seq: number; hash: string }>('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1')
    this.#insert = db.prepare<StoredAuditRow>(
      'INSERT INTO audit (seq, at, person, action, subject, detail, prev, hash) VALUES (@seq, @at, @person, @action, @subject, @detail, @prev, @hash)',
    )
    this.#of = db.prepare<[string], StoredAuditRow>('SELECT * FROM audit WHERE subject = ? ORDER BY seq')
  }

  /** Adds a row; call inside `Chain.write` together with the change itself. Text is made well-formed. Returns its seq. */
  add(entry: AuditEntry, bind: Bind): number {
    const last = this.#last.get()
    const seq = (last?.seq ?? 0) + 1
    const row = { ...wellFormed(entry), at: Math.round(entry.at), seq, prev: last?.hash ?? GENESIS }
    this.#insert.run({ ...row, detail: canonicalJson(row.detail), hash: auditHash(row) })
    bind(KIND.audit, seq)
    return seq
  }

  /** Everything about one subject, oldest first. */
  of(subject: string): AuditRow[] {
    return this.#of.all(subject).map((row) => ({ ...row, detail: JSON.parse(row.detail) as Record<string, unknown> }))
  }
}
