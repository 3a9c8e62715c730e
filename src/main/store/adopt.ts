// Takes over a database from before there was a chain: every record that it holds is bound once, and what was wrong with it then is written down.
import type { Audit } from './audit'
import type { Chain } from './chain'
import type { Db } from './database'
import { checkAuditRows } from './old-chain'
import { sealOf } from './policies'
import { KIND } from './records'
import type { Seals } from './seals'
import { stateSeal, type StateRow } from './state'

const PAGE = 10_000

/** Binds everything in one transaction: about 70 s of processor for a million bags, once. Nothing happens where there is a chain already. */
export function adopt(db: Db, chain: Chain, audit: Audit, seals: Seals, now: number): void {
  chain.write((bind) => {
    // another process may have been quicker
    if (chain.head()) return
    const bags = db.prepare<[number, number], { id: number; kept: number; screened: number }>(
      'SELECT id, has_scan AS kept, verdict IS NOT NULL AS screened FROM bags NOT INDEXED WHERE id > ? ORDER BY id LIMIT ?',
    )
    let bagCount = 0
    for (let after = 0; ;) {
      const page = bags.all(after, PAGE)
      for (const { id, kept, screened } of page) {
        bind(kept ? KIND.receivedKept : KIND.received, id)
        if (screened) bind(KIND.screened, id)
      }
      bagCount += page.length
      const last = page.at(-1)
      if (!last) break
      after = last.id
    }
    const old = checkAuditRows(db)
    const unlike = new Set(old.ok ? [] : old.policies)
    const all = (sql: string): number[] => db.prepare<[], number>(sql).pluck().all()
    const decisions = all('SELECT id FROM decisions ORDER BY id')
    const outcomes = all('SELECT id FROM outcomes ORDER BY id')
    const rows = all('SELECT seq FROM audit ORDER BY seq')
    for (const id of decisions) bind(KIND.decision, id)
    for (const id of outcomes) bind(KIND.outcome, id)
    for (const seq of rows) bind(KIND.audit, seq)
    for (const [table, kind] of [
      ['calibrations', KIND.calibration],
      ['policies', KIND.policy],
    ] as const)
      for (const version of all(`SELECT version FROM ${table} ORDER BY version`)) {
        bind(kind, version)
        const content = chain.records.content(kind, version)
        // one that its own audit row contradicts is not believed
        if (content !== null && !unlike.has(sealOf(table, version))) seals.put(sealOf(table, version), content)
      }
    for (const row of db.prepare<[], StateRow>('SELECT * FROM state').all()) seals.put(...stateSeal(row))
    if (bagCount + rows.length > 0) {
      const found = old.ok ? { whole: true, spoilt: old.spoilt } : { whole: false, row: old.at, why: old.why, spoilt: old.spoilt }
      const detail = { bags: bagCount, decisions: decisions.length, outcomes: outcomes.length, rows: rows.length, ...found }
      audit.add({ at: now, person: null, action: 'adopted', subject: 'station', detail }, bind)
    } else chain.signEmpty()
  })
}

/** Signs anew, with another key, what is believed one by one. */
export function reseal(db: Db, chain: Chain, seals: Seals): void {
  for (const [table, kind] of [
    ['calibrations', KIND.calibration],
    ['policies', KIND.policy],
  ] as const)
    for (const version of db.prepare<[], number>(`SELECT version FROM ${table}`).pluck().all())
      seals.put(sealOf(table, version), chain.records.content(kind, version) ?? '')
  for (const row of db.prepare<[], StateRow>('SELECT * FROM state').all()) seals.put(...stateSeal(row))
}
