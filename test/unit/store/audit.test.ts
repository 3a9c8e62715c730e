// The record against a forger who may write everything in the database and has not the key: every edit is found.
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../../src/main/store/canonical'
import { headText } from '../../../src/main/store/head-file'
import { openStore } from '../../../src/main/store'
import { firstPolicy } from '../../../src/domain/first-policy'
import { manifest } from '../domain/manifest'
import { kept, lawless, live, recompute, scene } from './forger'
import { record, tempStore } from './make'

interface Column {
  table: string
  name: string
  type: string
}
/** Every column of every table that there is. Those of SQLite's own counter come by name below. */
function columns(): Column[] {
  const { store, folder } = tempStoreNow()
  store.close()
  const db = new Database(join(folder, 'lanescope.sqlite'), { readonly: true })
  const tables = db
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all()
  const all = tables.flatMap((table) =>
    (db.pragma(`table_info(${table})`) as { name: string; type: string }[]).map(({ name, type }) => ({ table, name, type })),
  )
  db.close()
  return all
}
function tempStoreNow() {
  // outside a test: vitest collects the cases from it
  const folder = mkdtempSync(join(tmpdir(), 'lanescope-test-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return { store: openStore({ folder }), folder }
}
const changed = ({ name, type }: Column): string =>
  type === 'TEXT'
    ? `coalesce(${name} || 'x', 'x')`
    : type === 'BLOB'
      ? `CAST(X'00' || substr(${name}, 2) AS BLOB)`
      : name === 'has_scan'
        ? '1 - has_scan'
        : type === 'REAL'
          ? `coalesce(${name} + 0.125, 0)`
          : `coalesce(${name} + 1000, 1)`

test('an untouched record is whole, also while the station writes, and after it was closed and opened', () => {
  const { store, folder } = tempStore()
  live(store)
  const found = store.verifyAudit()
  expect(found).toMatchObject({ ok: true, rows: 10, notes: [] })
  expect(store.head()).toEqual({ links: found.links, hash: found.head })
  store.close()
  const again = openStore({ folder })
  expect(again.findings).toEqual([])
  live(again)
  expect(again.verifyAudit()).toMatchObject({ ok: true })
  again.close()
})

/** What recomputing the hashes puts right again, or does not touch. */
const OWN = ['links', 'chain_head', 'seals', 'state']
describe('one column changed', () => {
  const all = columns()
  test('the cases cover every table', () => {
    expect(all.length).toBeGreaterThan(80)
  })
  const named = (columns: Column[]) => columns.map((c): [string, Column] => [`${c.table}.${c.name}`, c])
  test.each(named(all))('%s', (_, column) => {
    const { after } = scene()
    const { table, name } = column
    const found = after((db) =>
      lawless(db, () => {
        // the first row that can be changed so
        const { changes } = db.prepare(`UPDATE OR IGNORE ${table} SET ${name} = ${changed(column)}`).run()
        expect(changes).toBeGreaterThan(0)
      }),
    )
    expect(found).toMatchObject({ ok: false, tampered: true })
  })
  test.each(
    named(
      all.filter(({ table, name }) => !OWN.includes(table) && !(table === 'audit' && ['seq', 'prev', 'hash'].includes(name))),
    ),
  )('%s, and every hash recomputed', (_, column) => {
    const { after } = scene()
    const found = after((db) =>
      lawless(db, () => {
        db.exec(`UPDATE OR IGNORE ${column.table} SET ${column.name} = ${changed(column)}`)
        try {
          recompute(db)
        } catch {
          // a detail that is no JSON any more
        }
      }),
    )
    expect(found).toMatchObject({ ok: false, tampered: true })
  })
})

const LAST_BAG = '(SELECT max(id) FROM bags)'
const edits: [string, string][] = [
  ['an alarm made clear', `UPDATE bags SET verdict = 'clear' WHERE id = 1`],
  ['a lower score', `UPDATE class_scores SET fused = -9, tier = 'none' WHERE bag_id = 1 AND class = 'gun'`],
  ['another reason', `UPDATE bags SET reason = 'The file was empty.' WHERE verdict = 'unscreenable'`],
  ['a scan said to be let go', 'UPDATE bags SET has_scan = 0 WHERE id = 1'],
  ['a verdict taken back', `UPDATE bags SET verdict = NULL, screened_at = NULL, reason = NULL WHERE id = 2`],
  [
    'a verdict given by hand',
    `UPDATE bags SET verdict = 'clear', screened_at = 1, model = 'm', policy = 1 WHERE id = ${LAST_BAG}`,
  ],
  ['a bag removed', 'DELETE FROM class_scores WHERE bag_id = 2; DELETE FROM bags WHERE id = 2'],
  ['the newest bag removed', `DELETE FROM bags WHERE id = ${LAST_BAG}`],
  [
    'the newest bag removed and the counter reset',
    `DELETE FROM bags WHERE id = ${LAST_BAG}; UPDATE sqlite_sequence SET seq = ${LAST_BAG}`,
  ],
  ['the counter reset', `UPDATE sqlite_sequence SET seq = 1`],
  ['the counter raised', `UPDATE sqlite_sequence SET seq = 9223372036854775807`],
  ['the counter removed', `DELETE FROM sqlite_sequence`],
  ['a bag put in', `INSERT INTO bags (lane, path, content, received_at, has_scan) VALUES ('n', '/x', 'x', 1, 0)`],
  ['scores removed', 'DELETE FROM class_scores WHERE bag_id = 1'],
  ['one score removed', `DELETE FROM class_scores WHERE bag_id = 1 AND class = 'knife'`],
  ['scores put in', `INSERT INTO class_scores VALUES (3, 'gun', '[]', 0, 0, 'none', 0, 0)`],
  ['scores of no bag put in', `INSERT INTO class_scores VALUES (99, 'gun', '[]', 0, 0, 'none', 0, 0)`],
  [
    'two bags swapped',
    'UPDATE bags SET id = -1 WHERE id = 1; UPDATE bags SET id = 1 WHERE id = 2; UPDATE bags SET id = 2 WHERE id = -1',
  ],
  [
    'the scores of two bags swapped',
    `UPDATE class_scores SET bag_id = -1 WHERE bag_id = 1; UPDATE class_scores SET bag_id = 1 WHERE bag_id = 2;
     UPDATE class_scores SET bag_id = 2 WHERE bag_id = -1`,
  ],
  [
    "two classes' scores swapped",
    `UPDATE class_scores SET bag_id = -1 WHERE bag_id = 1 AND class = 'gun'; UPDATE class_scores SET class = 'gun' WHERE bag_id = 1 AND class = 'knife';
     UPDATE class_scores SET bag_id = 1, class = 'knife' WHERE bag_id = -1`,
  ],
  ['seconds of a decision changed', 'UPDATE decisions SET seconds = 0.1 WHERE id = 1'],
  ['seconds of a decision removed', 'UPDATE decisions SET seconds = NULL WHERE id = 1'],
  ['seconds made endless', 'UPDATE decisions SET seconds = 9e999 WHERE id = 1'],
  ['the person of a decision changed', `UPDATE decisions SET person = 'Eve' WHERE id = 1`],
  ['the place of an outcome put in', 'UPDATE outcomes SET x = 0.1, y = 0.1 WHERE id = 2'],
  ['a threat found, moved', `UPDATE findings SET x = 0.25 WHERE class = 'gun'`],
  ['a threat found, made smaller', `UPDATE findings SET width = 0.25 WHERE class = 'knife'`],
  ['a threat found, removed', `DELETE FROM findings WHERE class = 'pliers'`],
  ['a threat that nobody found', `INSERT INTO findings (outcome_id, class, n) VALUES (2, 'wrench', 3)`],
  ['a decision removed', 'UPDATE bags SET decision = 2 WHERE decision = 3; DELETE FROM decisions WHERE id = 3'],
  [
    'a decision put in',
    `INSERT INTO decisions SELECT 9, bag_id, 'clear', person, reason, at, seconds, 99 FROM decisions WHERE id = 1`,
  ],
  ['a decision moved to another bag', 'UPDATE decisions SET bag_id = 2 WHERE id = 1'],
  ["the bag's shown decision changed", `UPDATE bags SET decision = 1, decision_action = 'hold' WHERE id = 1`],
  ["the bag's shown decision removed", `UPDATE bags SET decision = NULL, decision_action = NULL WHERE id = 1`],
  ['a decision shown at a bag without one', `UPDATE bags SET decision = 1, decision_action = 'hold' WHERE id = 2`],
  ["the bag's shown outcome removed", 'UPDATE bags SET outcome = NULL, outcome_kind = NULL'],
  ['an outcome removed', 'UPDATE bags SET outcome = NULL, outcome_kind = NULL; DELETE FROM outcomes'],
  ['an audit row removed', 'DELETE FROM audit WHERE seq = 3'],
  [
    'an audit row removed and the rest renumbered',
    'DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3',
  ],
  [
    'two audit rows swapped',
    'UPDATE audit SET seq = -1 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = -1',
  ],
  ['the audit emptied', 'DELETE FROM audit'],
  ['detail that is no JSON', `UPDATE audit SET detail = '{' WHERE seq = 4`],
  ['a threshold raised', `UPDATE policies SET document = json_set(document, '$.classes.gun.alarm.threshold', 99)`],
  [
    'the prevalence changed',
    `UPDATE policies SET document = json_set(document, '$.prevalence.gun', 0.0000001) WHERE version = 2`,
  ],
  [
    'a promise changed',
    `UPDATE policies SET document = json_set(document, '$.anyAlarm', NULL, '$.bagsPerHour', 1) WHERE version = 1`,
  ],
  ['the newest policy removed', 'DELETE FROM policies WHERE version = 2'],
  ['all policies removed', 'DELETE FROM policies'],
  [
    'an older policy put in as the newest',
    `INSERT INTO policies SELECT 3, created_at, author, model_sha256, json_set(document, '$.version', 3) FROM policies WHERE version = 1`,
  ],
  [
    'an older policy in the place of the newest',
    `UPDATE policies SET document = (SELECT json_set(document, '$.version', 2) FROM policies WHERE version = 1) WHERE version = 2`,
  ],
  ['a calibration changed', `UPDATE calibrations SET document = json_set(document, '$.classes.gun.map.b', -50)`],
  ['a calibration removed', 'DELETE FROM calibrations WHERE version = 2'],
  ['what was learned changed', `UPDATE state SET value = X'00'`],
  ['the last link cut', 'DELETE FROM links WHERE seq = (SELECT max(seq) FROM links)'],
  ['a link in the middle removed', 'DELETE FROM links WHERE seq = 5'],
  ['all links removed', 'DELETE FROM links'],
  ['all links and the head removed', 'DELETE FROM links; DELETE FROM chain_head'],
  ['the head removed', 'DELETE FROM chain_head'],
  ['a link put in', `INSERT INTO links SELECT max(seq) + 1, 4, 1, zeroblob(32) FROM links`],
  ['all seals removed', 'DELETE FROM seals'],
  [
    "two policies' seals swapped",
    `UPDATE seals SET signature = (SELECT signature FROM seals WHERE subject = 'policy:1') WHERE subject = 'policy:2'`,
  ],
]

test.each(edits)('%s is found', (_, sql) => {
  const { after } = scene()
  expect(after((db) => lawless(db, () => db.exec(sql)))).toMatchObject({ ok: false, tampered: true })
})

test.each(edits.filter(([, sql]) => !/links|seals|user_version|chain_head/.test(sql)))(
  '%s is found with every hash recomputed',
  (_, sql) => {
    const { after } = scene()
    const found = after((db) =>
      lawless(db, () => {
        db.exec(sql)
        try {
          recompute(db)
        } catch {
          // a detail that is no JSON any more
        }
      }),
    )
    expect(found).toMatchObject({ ok: false, tampered: true })
  },
)

test('the record dropped and the version set back, so that it would be taken over anew', () => {
  const { after, folder, audit } = scene()
  const sql =
    'DROP TABLE links; DROP TABLE chain_head; DROP TABLE seals; DROP TRIGGER bags_on_scan_is_final; ALTER TABLE bags DROP COLUMN on_scan; PRAGMA user_version = 5'
  const found = after((db) =>
    db.exec(`${sql}; DROP TRIGGER bags_verdict_is_final; UPDATE bags SET verdict = 'clear' WHERE id = 1`),
  )
  expect(found).toMatchObject({ ok: false, tampered: true })
  const store = openStore({ folder })
  expect(store.findings.join()).toContain('tampered')
  store.close()
  expect(audit()).toMatchObject({ ok: false, tampered: true })
})

test("the chain's end cut off everywhere, as if the last hour had not been", () => {
  const { after } = scene()
  const found = after((db) =>
    lawless(db, () => {
      // bag 4 and what came after it, in every table
      db.exec(`DELETE FROM class_scores WHERE bag_id >= 4; DELETE FROM decisions WHERE bag_id >= 4; DELETE FROM bags WHERE id >= 4;
        DELETE FROM audit WHERE subject = 'bag:4'; UPDATE sqlite_sequence SET seq = 3`)
      recompute(db)
    }),
  )
  expect(found).toMatchObject({ ok: false, why: expect.stringContaining('end of the chain') as string })
})

test("a chain recomputed and signed with the forger's own key", () => {
  const { after } = scene()
  const found = after((db) =>
    lawless(db, () => {
      db.exec(`UPDATE bags SET verdict = 'clear' WHERE id = 1`)
      recompute(db)
      const head = db
        .prepare<[], { seq: number; hash: Buffer; bags: number; policies: number; calibrations: number }>(
          'SELECT * FROM chain_head',
        )
        .get()
      if (!head) throw new Error('no head')
      const text = headText({ ...head, hash: head.hash.toString('hex') })
      db.prepare('UPDATE chain_head SET signature = ?').run(
        sign(null, Buffer.from(text), generateKeyPairSync('ed25519').privateKey),
      )
    }),
  )
  expect(found).toMatchObject({ ok: false, why: expect.stringContaining('not signed') as string })
})

test('an older database put back whole, valid in itself', () => {
  const { folder, file, audit } = scene()
  const putBack = kept(file)
  const store = openStore({ folder })
  store.log.decide(1, { action: 'search', person: 'Ada', reason: null, at: 700, seconds: 1 })
  store.close()
  expect(audit()).toMatchObject({ ok: true })
  putBack()
  expect(audit()).toMatchObject({ ok: false, why: expect.stringContaining('older database') as string })
  // the station says so at its start, enters it, and no later row covers it up
  const again = openStore({ folder })
  expect(again.findings.join()).toContain('older database')
  live(again)
  again.close()
  expect(audit()).toMatchObject({ ok: false, why: expect.stringContaining('the station found') as string })
})

test('a break found at the start is not signed over by what is written next', () => {
  const { folder, after, audit } = scene()
  after((db) =>
    lawless(db, () => {
      db.exec(`UPDATE bags SET verdict = 'clear' WHERE id = 1`)
      recompute(db)
    }),
  )
  const store = openStore({ folder })
  expect(store.findings.join()).toContain('tampered')
  live(store)
  store.close()
  expect(audit()).toMatchObject({ ok: false })
  const again = openStore({ folder })
  again.close()
  expect(audit()).toMatchObject({ ok: false })
})

test('a chain recomputed while the station runs is found at the next row that it writes', () => {
  const { store, folder } = tempStore()
  live(store)
  const beside = new Database(join(folder, 'lanescope.sqlite'))
  lawless(beside, () => {
    beside.exec(`UPDATE bags SET verdict = 'clear' WHERE id = 1`)
    recompute(beside)
  })
  beside.close()
  expect(store.findings).toEqual([])
  store.log.receive({ lane: 'n', path: '/z', content: { sha256: 'z' }, kept: false, receivedAt: 1 })
  expect(store.findings.join()).toContain('tampered')
  expect(store.verifyAudit()).toMatchObject({ ok: false })
})

test.each([
  ['drops an index', 'DROP INDEX bags_by_lane', true],
  ['drops a trigger', 'DROP TRIGGER bags_stay', true],
  [
    'puts a trigger in that clears alarms',
    `CREATE TRIGGER quiet AFTER UPDATE OF verdict ON bags WHEN NEW.verdict = 'alarm' BEGIN UPDATE bags SET verdict = 'clear' WHERE id = NEW.id; END`,
    true,
  ],
  ['puts a view in', 'CREATE VIEW v AS SELECT * FROM bags', true],
  ['puts a table in', 'CREATE TABLE mine (x)', false],
])('somebody who %s is found', (_, sql, mended) => {
  const { folder, after, audit } = scene()
  expect(after((db) => db.exec(sql))).toMatchObject({ ok: false, tampered: true })
  const store = openStore({ folder })
  expect(store.findings.join()).toContain('rules were changed')
  store.close()
  const found = audit()
  if (found.ok) throw new Error('the break was forgotten')
  expect(found.findings.filter((f) => f.what.startsWith("the database's")).length).toBe(mended ? 0 : 1)
})

test('a trigger put in while the station runs cannot make an alarm clear', () => {
  const { store, folder } = tempStore()
  const { id } = store.log.receive({ lane: 'n', path: '/a', content: { sha256: 'a' }, kept: true, receivedAt: 1 })
  const db = new Database(join(folder, 'lanescope.sqlite'))
  // the trigger that holds a verdict to be final stands in its way, too
  db.exec(`DROP TRIGGER bags_verdict_is_final; CREATE TRIGGER quiet AFTER UPDATE OF verdict ON bags WHEN NEW.verdict = 'alarm'
    BEGIN UPDATE bags SET verdict = 'clear' WHERE id = NEW.id; END`)
  db.close()
  expect(() => store.log.finish(id, record('alarm', { gun: 'alarm' }))).toThrow('another verdict')
  expect(store.log.get(id)?.verdict).toBeNull()
})

test('a policy put in beside a running station is never in force', () => {
  const { store, folder } = tempStore()
  live(store)
  const db = new Database(join(folder, 'lanescope.sqlite'))
  db.exec(
    `INSERT INTO policies SELECT 3, created_at, author, model_sha256, json_set(document, '$.version', 3) FROM policies WHERE version = 1`,
  )
  db.close()
  expect(() => store.policies.current()).toThrow('not the one that was entered')
  expect(store.policies.get(3)).toBeNull()
  const next = store.policies.save({ ...firstPolicy(manifest, 1, 9), author: 'Ada', reason: 'after the forgery' })
  expect(next.version).toBe(4)
  expect(store.policies.current()).toEqual(next)
})

test('canonical JSON does not depend on the order of keys, and reads back as the same value', () => {
  const value = fc.jsonValue({ maxDepth: 4 }).filter((v) => !JSON.stringify(v).includes('__proto__'))
  const shuffled = (v: unknown): unknown =>
    Array.isArray(v)
      ? v.map(shuffled)
      : v !== null && typeof v === 'object'
        ? Object.fromEntries(
            Object.entries(v)
              .reverse()
              .map(([k, w]) => [k, shuffled(w)]),
          )
        : v
  fc.assert(
    fc.property(value, (v) => {
      const text = canonicalJson(v)
      expect(canonicalJson(shuffled(v))).toBe(text)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(v)))
    }),
  )
  expect(() => canonicalJson({ x: Number.NaN })).toThrow(TypeError)
})
