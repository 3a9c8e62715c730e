// What a link of the chain binds: for each kind of record the columns that are hashed, in an order that never changes.
//
// A kind is never edited once released: when a record gets a new column, it gets a new kind beside the old one. Content is always read back
// from the table, both when a link is made and when it is checked, so that whatever SQLite makes of a value is what was bound.
import { hash } from 'node:crypto'
import type { Statement } from 'better-sqlite3'
import type { Db } from './database'

/** Kinds of links by their number in the table. */
export const KIND = {
  /** a bag whose bytes are in the archive, and one whose bytes are not */
  receivedKept: 1,
  received: 2,
  /** the verdict with all it says, and the scores of every class */
  screened: 3,
  /** the bag's scan was let go, or came back */
  letGo: 4,
  keptAgain: 5,
  decision: 6,
  outcome: 7,
  /** a row of the audit */
  audit: 8,
  policy: 9,
  calibration: 10,
} as const
export type Kind = (typeof KIND)[keyof typeof KIND]

/** How people call a record. */
export function nameOf(kind: number, subject: number): string {
  switch (kind) {
    case KIND.receivedKept:
    case KIND.received:
    case KIND.letGo:
    case KIND.keptAgain:
      return `bag ${subject}`
    case KIND.screened:
      return `the verdict of bag ${subject}`
    case KIND.decision:
      return `decision ${subject}`
    case KIND.outcome:
      return `outcome ${subject}`
    case KIND.audit:
      return `audit row ${subject}`
    case KIND.policy:
      return `policy ${subject}`
    case KIND.calibration:
      return `calibration ${subject}`
    default:
      return `a record of unknown kind ${kind}`
  }
}

const ARRIVAL = 'SELECT lane, path, content, sha256, received_at FROM bags WHERE id = ?'
const SQL: Record<Kind, string[]> = {
  [KIND.receivedKept]: [ARRIVAL],
  [KIND.received]: [ARRIVAL],
  [KIND.screened]: [
    `SELECT heatmap, screened_at, width, height, verdict, reason, model, policy, provider, ms_decode, ms_infer, ms_total,
       brightness, background, aspect, bag_share, on_scan FROM bags WHERE id = ? AND verdict IS NOT NULL`,
    'SELECT class, logits, fused, posterior, tier, peak_x, peak_y FROM class_scores WHERE bag_id = ? ORDER BY class',
  ],
  [KIND.letGo]: ['SELECT id FROM bags WHERE id = ?'],
  [KIND.keptAgain]: ['SELECT id FROM bags WHERE id = ?'],
  [KIND.decision]: ['SELECT id, bag_id, action, person, reason, at, seconds, audit FROM decisions WHERE id = ?'],
  [KIND.outcome]: [
    'SELECT id, bag_id, kind, class, x, y, comment, person, at, audit FROM outcomes WHERE id = ?',
    'SELECT class, n, x, y, width, height FROM findings WHERE outcome_id = ? ORDER BY class',
  ],
  [KIND.audit]: ['SELECT seq, at, person, action, subject, detail, prev, hash FROM audit WHERE seq = ?'],
  [KIND.policy]: ['SELECT version, created_at, author, model_sha256, document FROM policies WHERE version = ?'],
  [KIND.calibration]: ['SELECT version, created_at, author, model_sha256, document FROM calibrations WHERE version = ?'],
}

type Cell = string | number | bigint | null | Buffer

/** Cells as one text that no other cells give. */
export function encode(cells: readonly Cell[]): string {
  let text = ''
  for (const cell of cells)
    if (cell === null) text += 'n;'
    else if (typeof cell === 'string') text += `s${cell.length}:${cell};`
    else if (typeof cell === 'number') text += `d${Object.is(cell, -0) ? '-0' : String(cell)};`
    else text += typeof cell === 'bigint' ? `d${String(cell)};` : `b${cell.toString('hex')};`
  return text
}

/** Reads a record's content as one text; null where it is not there. */
export class Records {
  /** rows that belonged to the last record read, e.g. its scores */
  parts = 0
  readonly #statements: Map<number, Statement<[number]>[]>

  constructor(db: Db) {
    this.#statements = new Map(
      Object.entries(SQL).map(([kind, sqls]) => [Number(kind), sqls.map((sql) => db.prepare<[number]>(sql).raw())]),
    )
  }

  content(kind: number, subject: number): string | null {
    const statements = this.#statements.get(kind)
    if (!statements) return null
    let text = ''
    this.parts = 0
    for (const [i, statement] of statements.entries()) {
      const rows = statement.all(subject) as Cell[][]
      if (i === 0 && rows.length === 0) return null
      if (i > 0) this.parts += rows.length
      text += `r${rows.length};`
      for (const cells of rows) text += encode(cells)
    }
    return text
  }
}

/** What the first link follows. */
export const START = '0'.repeat(64)

/** A link's hash (hex) from the one before it (hex) and the record that it binds. */
export function linkHash(before: string, seq: number, kind: number, subject: number, content: string): string {
  return hash('sha256', `lanescope link 1\n${before}\n${seq} ${kind} ${subject}\n${content}`, 'hex')
}
