// Walks the whole record: every link against what it binds, every row against its link, and the end against the station's signature.
import Database from 'better-sqlite3'
import { Chain, type Signer } from './chain'
import { versionOf, type Db } from './database'
import type { SignedHead } from './head-file'
import { checkAuditRows } from './old-chain'
import { sealOf } from './policies'
import { KIND, linkHash, nameOf, START } from './records'
import { schemaFaults } from './schema'
import { Seals } from './seals'
import { stateSeal, type StateRow } from './state'

export interface Finding {
  /** number of the audit row or else of the link; null where it has none */
  at: number | null
  /** e.g. 'audit row 3', 'the verdict of bag 17' */
  what: string
  why: string
}
export type AuditFinding = {
  /** rows of the audit, and links of the chain */
  rows: number
  links: number
  /** hash of the last link: to be kept elsewhere */
  head: string
  /** true things that a supervisor should know, e.g. that the key was replaced */
  notes: string[]
} & (
  | { ok: true }
  /** `tampered` is false where only the key is missing: nothing was found wrong, and the end cannot be vouched for */
  | { ok: false; tampered: boolean; brokenAt: number; why: string; findings: Finding[] }
)

/** More findings than this are not listed. */
const MOST = 100
const PAGE = 2000

/** Checks the database at `path` as it is now, on a connection of its own; the station may write meanwhile. Throws where it cannot be read. */
export function verifyRecord(path: string, signer: Signer | null): AuditFinding {
  // read before the snapshot is taken: the kept head is never ahead of the database
  const kept = signer?.headFile.read() ?? null
  const db = new Database(path, { readonly: true, timeout: 5000 })
  try {
    return db.transaction(() => new Walk(db, signer).run(kept))()
  } finally {
    db.close()
  }
}

const RECEIVED = 1
const SCREENED = 2
const HAS_SCAN = 4

interface ShownRow {
  id: number
  has_scan: 0 | 1
  verdict: string | null
  decision: number | null
  decision_action: string | null
  outcome: number | null
  outcome_kind: string | null
}

class Walk {
  readonly #chain
  readonly #findings: Finding[] = []
  readonly #notes: string[] = []
  readonly #bags: Uint8Array
  /** subjects bound, by kind, of the tables whose rows are few */
  readonly #bound = new Map<number, Set<number>>()
  /** latest decision and outcome by bag */
  readonly #decided = new Map<number, number>()
  readonly #reviewed = new Map<number, number>()
  #links = 0
  #lastHash = START
  #scores = 0
  #found = 0

  constructor(
    private readonly db: Db,
    private readonly signer: Signer | null,
  ) {
    this.#chain = new Chain(db, signer)
    // numbers are given without gaps, so there are never more bags than links
    this.#bags = new Uint8Array(this.#number('SELECT count(*) FROM links') + 2)
  }

  run(kept: SignedHead | 'none' | null): AuditFinding {
    this.#auditRows()
    this.#walkLinks()
    this.#shown()
    this.#rest()
    this.#seals()
    const fault = this.signer && this.#chain.fault(kept)
    if (fault) this.#add(this.#chain.head()?.seq ?? null, 'the end of the chain', fault)
    for (const { what, why } of schemaFaults(this.db, versionOf(this.db))) this.#add(null, `the database's ${what}`, why)
    const rows = this.#number('SELECT count(*) FROM audit')
    const facts = { rows, links: this.#links, head: this.#lastHash, notes: this.#notes }
    const first = this.#findings[0]
    if (first)
      return {
        ok: false,
        tampered: true,
        brokenAt: first.at ?? 0,
        why: `${first.what}: ${first.why}`,
        findings: this.#findings,
        ...facts,
      }
    if (this.signer) return { ok: true, ...facts }
    const why =
      'the key that signs the record is not at hand: nothing was found wrong, but whether the chain was recomputed cannot be told'
    return { ok: false, tampered: false, brokenAt: 0, why, findings: [], ...facts }
  }

  #add(at: number | null, what: string, why: string): void {
    if (this.#findings.length < MOST) this.#findings.push({ at, what, why })
  }

  #number(sql: string): number {
    return this.db.prepare<[], number | null>(sql).pluck().get() ?? 0
  }

  #auditRows(): void {
    const old = checkAuditRows(this.db)
    if (!old.ok) this.#add(old.at, `audit row ${old.at}`, old.why)
    if (old.spoilt.length > 0)
      this.#notes.push(
        `Audit rows ${old.spoilt.join(', ')} hold a name that an earlier version could not keep as it was typed: not tampering.`,
      )
    for (const { seq, at, action, detail } of this.db
      .prepare<[], { seq: number; at: number; action: string; detail: string }>(
        "SELECT seq, at, action, detail FROM audit WHERE action IN ('broken', 'new-key', 'restored', 'adopted') ORDER BY seq",
      )
      .iterate()) {
      const facts = readable(detail)
      const on = new Date(at).toISOString()
      if (action === 'broken') this.#add(seq, `audit row ${seq}`, `the station found on ${on} that ${String(facts['why'])}`)
      if (action === 'new-key')
        this.#notes.push(
          `The key was replaced on ${on}, after link ${String(facts['links'])}: what stands before it was signed with another.`,
        )
      if (action === 'restored') this.#notes.push(`A backup was put back on ${on}: ${String(facts['says'])}`)
    }
  }

  #walkLinks(): void {
    const page = this.db
      .prepare<[number, number]>('SELECT seq, kind, subject, hash FROM links WHERE seq > ? ORDER BY seq LIMIT ?')
      .raw()
    for (let after = 0; ;) {
      const links = page.all(after, PAGE) as [number, number, number, Buffer][]
      for (const [seq, kind, subject, stored] of links) {
        if (seq !== this.#links + 1) this.#add(seq, `link ${this.#links + 1}`, 'is missing')
        const hash = stored.toString('hex')
        const what = nameOf(kind, subject)
        const content = this.#chain.records.content(kind, subject)
        if (content === null) this.#add(seq, what, 'is in the chain and no longer in its table')
        else if (linkHash(this.#lastHash, seq, kind, subject, content) !== hash)
          this.#add(seq, what, 'is not what the chain recorded')
        this.#note(seq, kind, subject)
        this.#links = seq
        this.#lastHash = hash
      }
      const last = links.at(-1)
      if (!last) return
      after = last[0]
    }
  }

  /** What the links so far make of a record. */
  #note(seq: number, kind: number, subject: number): void {
    const was = this.#bags[subject] ?? 0
    const wrong = (why: string): void => this.#add(seq, nameOf(kind, subject), why)
    const must = (bit: number, set: boolean): void => {
      if (((was & bit) !== 0) !== set) wrong('its links do not fit together')
    }
    switch (kind) {
      case KIND.received:
      case KIND.receivedKept:
        must(RECEIVED, false)
        this.#bags[subject] = RECEIVED | (kind === KIND.receivedKept ? HAS_SCAN : 0)
        break
      case KIND.screened:
        must(RECEIVED, true)
        must(SCREENED, false)
        this.#bags[subject] = was | SCREENED
        this.#scores += this.#chain.records.parts
        break
      case KIND.letGo:
        must(HAS_SCAN, true)
        this.#bags[subject] = was & ~HAS_SCAN
        break
      case KIND.keptAgain:
        must(HAS_SCAN, false)
        this.#bags[subject] = was | HAS_SCAN
        break
      default: {
        const bound = this.#bound.get(kind) ?? new Set()
        if (bound.has(subject)) wrong('is in the chain twice')
        this.#bound.set(kind, bound.add(subject))
        if (kind === KIND.outcome) this.#found += this.#chain.records.parts
      }
    }
  }

  /** Every row of a table of few rows is in the chain, and `each` sees it. */
  #all<Row>(kind: number, sql: string, numberOf: (row: Row) => number, each: (row: Row) => void = () => undefined): void {
    const bound = this.#bound.get(kind) ?? new Set()
    for (const row of this.db.prepare<[], Row>(sql).iterate()) {
      const number = numberOf(row)
      if (!bound.has(number)) this.#add(null, nameOf(kind, number), 'is not in the chain: it was put in')
      each(row)
    }
  }

  /** What bags show of themselves: that they were received and screened, whether the scan is there, the latest decision and outcome. */
  #shown(): void {
    interface Of {
      id: number
      bag_id: number
    }
    this.#all<Of>(
      KIND.decision,
      'SELECT id, bag_id FROM decisions ORDER BY id',
      (row) => row.id,
      (row) => this.#decided.set(row.bag_id, row.id),
    )
    this.#all<Of>(
      KIND.outcome,
      'SELECT id, bag_id FROM outcomes ORDER BY id',
      (row) => row.id,
      (row) => this.#reviewed.set(row.bag_id, row.id),
    )
    const actionOf = this.db.prepare<[number], string>('SELECT action FROM decisions WHERE id = ?').pluck()
    const kindOf = this.db.prepare<[number], string>('SELECT kind FROM outcomes WHERE id = ?').pluck()
    const rows = this.db.prepare<[], ShownRow>(
      'SELECT id, has_scan, verdict, decision, decision_action, outcome, outcome_kind FROM bags NOT INDEXED ORDER BY id',
    )
    for (const bag of rows.iterate()) {
      const was = this.#bags[bag.id] ?? 0
      const wrong = (why: string): void => this.#add(null, `bag ${bag.id}`, why)
      if (!(was & RECEIVED)) wrong('is not in the chain: it was put in')
      if (bag.verdict !== null && !(was & SCREENED)) wrong('its verdict is not in the chain: it was put in')
      if ((bag.has_scan === 1) !== ((was & HAS_SCAN) !== 0)) wrong('does not say what became of its scan')
      const decision = this.#decided.get(bag.id) ?? null
      if (bag.decision !== decision || bag.decision_action !== (decision && (actionOf.get(decision) ?? null)))
        wrong('does not show its latest decision')
      const outcome = this.#reviewed.get(bag.id) ?? null
      if (bag.outcome !== outcome || bag.outcome_kind !== (outcome && (kindOf.get(outcome) ?? null)))
        wrong('does not show its latest outcome')
    }
  }

  #rest(): void {
    this.#all<{ n: number }>(KIND.audit, 'SELECT seq AS n FROM audit', (row) => row.n)
    this.#all<{ n: number }>(KIND.policy, 'SELECT version AS n FROM policies', (row) => row.n)
    this.#all<{ n: number }>(KIND.calibration, 'SELECT version AS n FROM calibrations', (row) => row.n)
    for (const [what, table, recorded] of [
      ['the scores', 'class_scores', this.#scores],
      ['the threats found', 'findings', this.#found],
    ] as const)
      if (this.#number(`SELECT count(*) FROM ${table}`) !== recorded)
        this.#add(null, what, 'there are others than those that were recorded')
    const newest = this.#number('SELECT max(id) FROM bags')
    const counted = this.#number("SELECT seq FROM sqlite_sequence WHERE name = 'bags'")
    if (counted !== newest) this.#add(null, "the bags' counter", `stands at ${counted}, and the newest bag is ${newest}`)
    for (const { table, rowid, parent } of this.db.pragma('foreign_key_check') as {
      table: string
      rowid: number | null
      parent: string
    }[])
      this.#add(null, `row ${String(rowid)} of ${table}`, `points to nothing in ${parent}`)
  }

  #seals(): void {
    const seals = new Seals(this.db, this.signer?.key ?? null)
    for (const [table, kind] of [
      ['policies', KIND.policy],
      ['calibrations', KIND.calibration],
    ] as const)
      for (const version of this.db.prepare<[], number>(`SELECT version FROM ${table}`).pluck().all())
        if (!seals.holds(sealOf(table, version), this.#chain.records.content(kind, version) ?? ''))
          this.#add(null, nameOf(kind, version), 'is not signed by the station: it is refused')
    for (const row of this.db.prepare<[], StateRow>('SELECT * FROM state').all())
      if (!seals.holds(...stateSeal(row))) this.#add(null, `what was learned as ${row.name}`, 'is not signed by the station')
  }
}

function readable(detail: string): Record<string, unknown> {
  try {
    return JSON.parse(detail) as Record<string, unknown>
  } catch {
    return {}
  }
}
