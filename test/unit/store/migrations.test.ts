// Each migration: go to N−1, insert, migrate, compare. And what must be refused.
import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { NEWEST_VERSION, openDatabase, versionOf, type Db } from '../../../src/main/store/database'
import { DatabaseFromTheFuture, NotOurDatabase } from '../../../src/main/store/errors'
import { auditHash, GENESIS } from '../../../src/main/store/audit'
import { canonicalJson } from '../../../src/main/store/canonical'
import { tempFolder, tempStore } from './make'

/** the number of the migration that adds the chain */
const CHAIN = 6
const path = (): string => join(tempFolder(), 'lanescope.sqlite')
function at(file: string, version?: number): Db {
  const db = openDatabase(file, version)
  onTestFinished(() => void db.close())
  return db
}
const tables = (db: Db): unknown[] =>
  db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").pluck().all()

const BAG = `INSERT INTO bags (lane, path, content, sha256, received_at, has_scan, screened_at, verdict, model, policy)
  VALUES ('north', '/feed/a.png', 'aa', 'aa', 5, 1, 6, 'alarm', 'chr@1', 1)`

test('1 makes bags and scores, and holds a verdict to be final', () => {
  const db = at(path(), 1)
  expect(tables(db)).toEqual(['bags', 'class_scores'])
  db.exec(BAG)
  db.exec(`INSERT INTO class_scores VALUES (1, 'gun', '[1]', 1, 0.5, 'alarm', 0.5, 0.5)`)
  expect(() => db.exec(`UPDATE bags SET verdict = 'clear' WHERE id = 1`)).toThrow('a verdict is written once')
  expect(() => db.exec('DELETE FROM bags')).toThrow('a bag is never deleted')
  expect(() => db.exec(`UPDATE class_scores SET tier = 'none'`)).toThrow('scores are written once')
  expect(() => db.exec('DELETE FROM class_scores')).toThrow('scores are never deleted')
  // what may change: letting a scan go
  db.exec('UPDATE bags SET has_scan = 0')
})

test('1 refuses a verdict that names no model, an unscreenable bag without a reason, and the same scan twice', () => {
  const db = at(path(), 1)
  const insert = (rest: string): void =>
    void db.exec(
      `INSERT INTO bags (lane, path, content, received_at, has_scan, screened_at, verdict, reason, model, policy) VALUES ${rest}`,
    )
  expect(() => insert(`('n', 'p', 'c', 1, 0, 2, 'clear', NULL, NULL, NULL)`)).toThrow('CHECK')
  expect(() => insert(`('n', 'p', 'c', 1, 0, 2, 'unscreenable', NULL, NULL, NULL)`)).toThrow('CHECK')
  expect(() => insert(`('n', 'p', 'c', 1, 0, 2, NULL, NULL, NULL, NULL)`)).toThrow('CHECK')
  insert(`('n', 'p', 'c', 1, 0, NULL, NULL, NULL, NULL, NULL)`)
  expect(() => insert(`('n', 'p', 'c', 1, 0, NULL, NULL, NULL, NULL, NULL)`)).toThrow('UNIQUE')
})

test('2 keeps the bags of 1 and adds decisions, outcomes and the audit', () => {
  const file = path()
  const old = openDatabase(file, 1)
  old.exec(BAG)
  const before = old.prepare('SELECT * FROM bags').get() as object
  old.close()
  const db = at(file, 2)
  expect(db.prepare('SELECT * FROM bags').get()).toEqual({
    ...before,
    decision: null,
    decision_action: null,
    outcome: null,
    outcome_kind: null,
  })
  expect(tables(db)).toEqual(['audit', 'bags', 'class_scores', 'decisions', 'outcomes'])
  db.exec(`INSERT INTO audit VALUES (1, 1, 'Ada', 'decide', 'bag:1', '{}', '', '')`)
  db.exec(`INSERT INTO decisions (bag_id, action, person, at, audit) VALUES (1, 'hold', 'Ada', 7, 1)`)
  for (const table of ['audit', 'decisions']) {
    expect(() => db.exec(`UPDATE ${table} SET person = 'Eve'`)).toThrow('append-only')
    expect(() => db.exec(`DELETE FROM ${table}`)).toThrow('append-only')
  }
})

test('3 keeps decisions of 2 and adds policies, calibrations and kept states', () => {
  const file = path()
  const old = openDatabase(file, 2)
  old.exec(BAG)
  old.exec(`INSERT INTO audit VALUES (1, 1, 'Ada', 'decide', 'bag:1', '{}', '', '')`)
  old.exec(`INSERT INTO decisions (bag_id, action, person, at, audit) VALUES (1, 'hold', 'Ada', 7, 1)`)
  const before = old.prepare('SELECT * FROM decisions').all()
  old.close()
  const db = at(file, 3)
  expect(db.prepare('SELECT * FROM decisions').all()).toEqual(before)
  expect(tables(db)).toEqual(['audit', 'bags', 'calibrations', 'class_scores', 'decisions', 'outcomes', 'policies', 'state'])
  db.exec(`INSERT INTO policies VALUES (1, 1, 'Ada', 'ff', '{}')`)
  expect(() => db.exec(`UPDATE policies SET document = '[]'`)).toThrow('append-only')
  expect(() => db.exec('DELETE FROM policies')).toThrow('append-only')
})

test('4 adds indexes and changes no row', () => {
  const file = path()
  const old = openDatabase(file, 3)
  old.exec(BAG)
  old.exec(`INSERT INTO policies VALUES (1, 1, 'Ada', 'ff', '{}')`)
  const before = [old.prepare('SELECT * FROM bags').all(), old.prepare('SELECT * FROM policies').all()]
  old.close()
  const db = at(file, 4)
  expect([db.prepare('SELECT * FROM bags').all(), db.prepare('SELECT * FROM policies').all()]).toEqual(before)
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
})

test('5 keeps outcomes of 4, reads their one class and point as findings, and the audit chain holds', () => {
  const folder = tempFolder()
  const file = join(folder, 'lanescope.sqlite')
  const old = openDatabase(file, 4)
  old.exec(BAG)
  const where = { x: 1, y: 0.25 }
  const details = [
    { kind: 'unsure', class: null, where: null, comment: null },
    { kind: 'confirmed', class: 'gun', where: null, comment: null },
    { kind: 'confirmed', class: 'knife', where, comment: 'in the sole' },
  ]
  let prev = GENESIS
  for (const [i, detail] of details.entries()) {
    const row = { seq: i + 1, at: i + 7, person: 'Ada', action: 'review', subject: 'bag:1', detail, prev }
    prev = auditHash(row)
    old
      .prepare(`INSERT INTO audit VALUES (?, ?, 'Ada', 'review', 'bag:1', ?, ?, ?)`)
      .run(row.seq, row.at, canonicalJson(detail), row.prev, prev)
    old
      .prepare(
        `INSERT INTO outcomes (bag_id, kind, class, x, y, comment, person, at, audit) VALUES (1, ?, ?, ?, ?, ?, 'Ada', ?, ?)`,
      )
      .run(detail.kind, detail.class, detail.where?.x, detail.where?.y, detail.comment, row.at, row.seq)
  }
  old.exec(`UPDATE bags SET outcome = 3, outcome_kind = 'confirmed'`)
  const before = [old.prepare('SELECT * FROM outcomes').all(), old.prepare('SELECT * FROM audit').all()]
  old.close()

  const db = at(file, 5)
  expect([db.prepare('SELECT * FROM outcomes').all(), db.prepare('SELECT * FROM audit').all()]).toEqual(before)
  expect(db.prepare('SELECT outcome_id, class, x, y, width FROM findings ORDER BY outcome_id').raw().all()).toEqual([
    [2, 'gun', null, null, null],
    [3, 'knife', 1, 0.25, null],
  ])
  expect(() => db.exec('UPDATE findings SET x = 0')).toThrow('append-only')
  expect(() => db.exec('DELETE FROM findings')).toThrow('append-only')
  const insert = (place: string): void => void db.exec(`INSERT INTO findings VALUES (1, 'gun', 0, ${place})`)
  for (const wrong of ['0.5, NULL, NULL, NULL', '0.5, 0.5, 0.1, NULL', '0.5, 0.5, 0, 0.1', 'NULL, NULL, 0.1, 0.1'])
    expect(() => insert(wrong)).toThrow('CHECK')
  db.close()

  const { store } = tempStore(folder)
  expect(store.verifyAudit()).toMatchObject({ ok: true, rows: 4 })
  const outcome = { kind: 'confirmed', found: [{ class: 'knife', where: { shape: 'point', ...where } }], comment: 'in the sole' }
  expect(store.log.get(1)?.outcome).toMatchObject(outcome)
  // an old bag can be reviewed anew, and both stay in its history
  const found = [{ class: 'gun' as const, where: { shape: 'box' as const, x: 0, y: 0, width: 0.5, height: 0.5 } }]
  store.log.review(1, { kind: 'confirmed', found, comment: null, person: 'Bo', at: 20 })
  expect(store.log.get(1)?.outcome).toMatchObject({ found })
  expect(store.verifyAudit()).toMatchObject({ ok: true, rows: 5 })
})

test('the chain is added without changing a row, and its links stay', () => {
  const file = path()
  const old = openDatabase(file, CHAIN - 1)
  old.exec(BAG)
  const before = old.prepare('SELECT * FROM bags').all()
  old.close()
  const db = at(file, CHAIN)
  expect(db.prepare('SELECT * FROM bags').all()).toEqual(before)
  expect(tables(db)).toEqual(expect.arrayContaining(['links', 'chain_head', 'seals']))
  db.exec('INSERT INTO links VALUES (1, 1, 1, zeroblob(32))')
  expect(() => db.exec('INSERT INTO links VALUES (2, 1, 1, zeroblob(31))')).toThrow('CHECK')
  expect(() => db.exec('UPDATE links SET subject = 2')).toThrow('append-only')
  expect(() => db.exec('DELETE FROM links')).toThrow('append-only')
})

test('bags on a scan are added without changing what was there, and are final with the verdict', () => {
  const file = path()
  const old = openDatabase(file, CHAIN)
  old.exec(BAG)
  const before = old.prepare('SELECT * FROM bags').get() as object
  old.close()
  const db = at(file, CHAIN + 1)
  expect(db.prepare('SELECT * FROM bags').get()).toEqual({ ...before, on_scan: null })
  expect(() => db.exec(`UPDATE bags SET on_scan = '[]'`)).toThrow('written once')
  const other = `INSERT INTO bags (lane, path, content, received_at, has_scan, on_scan) VALUES ('n', '/b', 'bb', 5, 0, `
  expect(() => db.exec(`${other} '{}')`)).toThrow('CHECK')
  db.exec(`${other} '[]')`)
})

test('an upgrade leaves a copy of the old database behind, and a new one leaves none', () => {
  const file = path()
  const old = openDatabase(file, 2)
  old.exec(BAG)
  old.close()
  at(file)
  const copy = new Database(`${file}.before-3`, { readonly: true })
  onTestFinished(() => void copy.close())
  expect(versionOf(copy)).toBe(2)
  expect(copy.prepare('SELECT path FROM bags').pluck().get()).toBe('/feed/a.png')
  const fresh = path()
  at(fresh)
  expect(existsSync(`${fresh}.before-1`)).toBe(false)
})

test('a database of a newer program is refused and left as it is', () => {
  const file = path()
  const db = openDatabase(file)
  db.pragma(`user_version = ${NEWEST_VERSION + 1}`)
  db.close()
  expect(() => openDatabase(file)).toThrow(DatabaseFromTheFuture)
  const raw = new Database(file, { readonly: true })
  onTestFinished(() => void raw.close())
  expect(versionOf(raw)).toBe(NEWEST_VERSION + 1)
})

test("another program's database is refused and left as it is", () => {
  const file = path()
  const other = new Database(file)
  other.exec('CREATE TABLE songs (name TEXT)')
  other.close()
  expect(() => openDatabase(file)).toThrow(NotOurDatabase)
  const raw = new Database(file, { readonly: true })
  onTestFinished(() => void raw.close())
  expect(tables(raw)).toEqual(['songs'])
})

test('commits are durable: WAL with synchronous FULL, foreign keys on', () => {
  const db = at(path())
  expect(db.pragma('journal_mode', { simple: true })).toBe('wal')
  expect(db.pragma('synchronous', { simple: true })).toBe(2)
  expect(db.pragma('foreign_keys', { simple: true })).toBe(1)
})

test('a migration that fails leaves the version before it', () => {
  const file = path()
  const old = openDatabase(file, 3)
  old.exec('CREATE TABLE clash (x); CREATE INDEX bags_by_lane ON clash (x)')
  old.close()
  expect(() => openDatabase(file)).toThrow('bags_by_lane')
  const raw = new Database(file, { readonly: true })
  onTestFinished(() => void raw.close())
  expect(versionOf(raw)).toBe(3)
  expect(raw.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'bags_by_verdict'").pluck().get()).toBe(0)
})
