// Somebody with the database file, an SQLite shell and this program's source, but without the station's key.
import Database from 'better-sqlite3'
import { copyFileSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstCalibration, firstPolicy } from '../../../src/domain/first-policy'
import { auditHash, GENESIS, type StoredAuditRow } from '../../../src/main/store/audit'
import type { Db } from '../../../src/main/store/database'
import { linkHash, Records, START } from '../../../src/main/store/records'
import { openStore, type AuditFinding, type Store } from '../../../src/main/store'
import type { Finding } from '../../../src/shared/bag'
import { manifest } from '../domain/manifest'
import { record, tempFolder } from './make'

export interface Scene {
  folder: string
  file: string
  /** closes the station, lets somebody at the database, and audits it */
  after: (forge: (db: Db) => void) => AuditFinding
  audit: () => AuditFinding
}

/** Writes some of everything that the record holds. */
export function live(store: Store): void {
  const { log, policies } = store
  if (policies.isEmpty()) {
    policies.saveCalibration(firstCalibration(manifest, 5))
    policies.save(firstPolicy(manifest, 1, 5))
  }
  const bag = (name: string): number =>
    log.receive({ lane: 'n', path: `/${name}.png`, content: { sha256: name }, kept: true, receivedAt: 100 }).id
  const alarm = bag('a')
  log.finish(alarm, { ...record('alarm', { gun: 'alarm' }, 200), heatmap: 'h' })
  log.finish(bag('b'), record('clear', {}, 210))
  log.finish(bag('c'), record('unscreenable', {}, 220))
  for (const [i, action] of (['hold', 'search', 'clear'] as const).entries())
    log.decide(alarm, { action, person: 'Ada', reason: i === 1 ? 'as Bo says' : null, at: 300 + i, seconds: 2.5 + i })
  log.review(alarm, { kind: 'unsure', found: [], comment: null, person: 'Bo', at: 400 })
  const found: Finding[] = [
    { class: 'gun', where: { shape: 'point', x: 0.5, y: 1 } },
    { class: 'knife', where: { shape: 'box', x: 0, y: 0.125, width: 1, height: 0.25 } },
    { class: 'pliers', where: null },
  ]
  log.review(alarm, { kind: 'confirmed', found, comment: 'ü 🙂', person: 'Bo', at: 401 })
  policies.saveCalibration({ ...firstCalibration(manifest, 500), author: 'Cy' })
  policies.save({ ...firstPolicy(manifest, 2, 500), author: 'Cy', reason: 'fewer false alarms' })
  store.state.save('sketch', new Uint8Array([1, 2, 3]))
  const last = bag('d')
  log.finish(last, record('alarm', { knife: 'alarm' }, 600))
  log.decide(last, { action: 'search', person: 'Ada', reason: null, at: 610, seconds: 1 })
  bag('e')
}

let base: string | null = null
/** A folder with a closed record, made once and copied for every scene. */
function baseFolder(): string {
  if (base !== null) return base
  const folder = mkdtempSync(join(tmpdir(), 'lanescope-test-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const store = openStore({ folder })
  live(store)
  store.close()
  return (base = folder)
}

export function scene(): Scene {
  const folder = tempFolder()
  cpSync(baseFolder(), folder, { recursive: true })
  const file = join(folder, 'lanescope.sqlite')
  const audit = (): AuditFinding => {
    const again = openStore({ folder, exclusive: false })
    try {
      return again.verifyAudit()
    } finally {
      again.close()
    }
  }
  return {
    folder,
    file,
    audit,
    after: (forge) => {
      const db = new Database(file)
      try {
        forge(db)
      } finally {
        db.close()
      }
      return audit()
    },
  }
}

/** A copy of the database as it is now, to be put back later. */
export function kept(file: string): () => void {
  const copy = join(tempFolder(), 'old.sqlite')
  copyFileSync(file, copy)
  return () => {
    for (const end of ['-wal', '-shm']) if (existsSync(file + end)) throw new Error('the database is open')
    copyFileSync(copy, file)
  }
}

/** Runs `work` without triggers, foreign keys and checks, and leaves the rules as they were. */
export function lawless(db: Db, work: (db: Db) => void): void {
  const triggers = db
    .prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    .all()
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`)
  db.pragma('foreign_keys = OFF')
  db.pragma('ignore_check_constraints = ON')
  work(db)
  for (const { sql } of triggers) db.exec(sql)
}

/** Recomputes every hash of the record, as anyone with the source can; the signature stays what it was. */
export function recompute(db: Db): void {
  let prev = GENESIS
  for (const [i, row] of db.prepare<[], StoredAuditRow>('SELECT * FROM audit ORDER BY seq').all().entries()) {
    const seq = i + 1
    const hash = auditHash({ ...row, seq, prev, detail: JSON.parse(row.detail) as Record<string, unknown> })
    db.prepare('UPDATE audit SET seq = ?, prev = ?, hash = ? WHERE seq = ?').run(seq, prev, hash, row.seq)
    prev = hash
  }
  const records = new Records(db)
  let before = START
  let seq = 0
  for (const link of db.prepare<[], { seq: number; kind: number; subject: number }>('SELECT * FROM links ORDER BY seq').all()) {
    const content = records.content(link.kind, link.subject)
    if (content === null) {
      db.prepare('DELETE FROM links WHERE seq = ?').run(link.seq)
      continue
    }
    seq += 1
    before = linkHash(before, seq, link.kind, link.subject, content)
    db.prepare('UPDATE links SET seq = ?, hash = ? WHERE seq = ?').run(seq, Buffer.from(before, 'hex'), link.seq)
  }
  db.prepare('UPDATE chain_head SET seq = ?, hash = ?').run(seq, Buffer.from(before, 'hex'))
}
