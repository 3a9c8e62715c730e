// The audit chain: what people do is there in order, and every kind of tampering is found at its row.
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { canonicalJson } from '../../../src/main/store/canonical'
import type { Finding } from '../../../src/shared/bag'
import { record, tempStore } from './make'

function filled(): { verify: () => unknown; tamper: (sql: string) => void } {
  const { store, folder } = tempStore()
  const { id } = store.log.receive({ lane: 'n', path: '/a.png', content: { sha256: 'a' }, kept: true, receivedAt: 1 })
  store.log.finish(id, record('alarm', { gun: 'alarm' }))
  for (const [index, action] of (['hold', 'search', 'clear', 'search'] as const).entries())
    store.log.decide(id, { action, person: 'Ada', reason: null, at: 10 + index, seconds: 2.5 })
  const found: Finding[] = [
    { class: 'gun', where: { shape: 'point', x: 0.5, y: 1 } },
    { class: 'knife', where: { shape: 'box', x: 0, y: 0.1, width: 1, height: 0.2 } },
    { class: 'pliers', where: null },
  ]
  store.log.review(id, { kind: 'confirmed', found, comment: 'ü', person: 'Bo', at: 20 })
  return {
    verify: () => store.verifyAudit(),
    // as somebody with the file and an SQLite shell would
    tamper: (sql) => {
      const db = new Database(join(folder, 'lanescope.sqlite'))
      onTestFinished(() => void db.close())
      for (const table of ['audit', 'decisions', 'outcomes', 'findings'])
        db.exec(`DROP TRIGGER IF EXISTS ${table}_no_update; DROP TRIGGER IF EXISTS ${table}_no_delete`)
      db.pragma('foreign_keys = OFF')
      db.exec(sql)
    },
  }
}

test('an untouched chain verifies', () => {
  expect(filled().verify()).toMatchObject({ ok: true, rows: 5 })
})

test.each([
  ['a changed person', `UPDATE audit SET person = 'Eve' WHERE seq = 3`, 3],
  ['a changed time', 'UPDATE audit SET at = at + 1 WHERE seq = 2', 2],
  ['a changed detail', `UPDATE audit SET detail = replace(detail, 'search', 'clear') WHERE seq = 2`, 2],
  ['a changed subject', `UPDATE audit SET subject = 'bag:2' WHERE seq = 5`, 5],
  ['a row taken out', 'DELETE FROM audit WHERE seq = 3', 4],
  ['a row taken out and the rest renumbered', 'DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3', 3],
  ['a changed hash', `UPDATE audit SET hash = '${'0'.repeat(64)}' WHERE seq = 4`, 4],
  ['detail that is no JSON', `UPDATE audit SET detail = '{' WHERE seq = 4`, 4],
  ['a decision changed beside the chain', `UPDATE decisions SET action = 'clear' WHERE audit = 2`, 2],
  ['a decision removed beside the chain', 'DELETE FROM decisions WHERE audit = 1', 1],
  ['an outcome changed beside the chain', `UPDATE outcomes SET kind = 'false-alarm' WHERE audit = 5`, 5],
  ['a threat found, moved beside the chain', `UPDATE findings SET x = 0.25 WHERE class = 'gun'`, 5],
  ['a threat found, made smaller beside the chain', `UPDATE findings SET width = 0.25 WHERE class = 'knife'`, 5],
  ['a threat found, removed beside the chain', `DELETE FROM findings WHERE class = 'pliers'`, 5],
  [
    'a threat that nobody found, added beside the chain',
    `INSERT INTO findings (outcome_id, class, n) VALUES (1, 'wrench', 3)`,
    5,
  ],
  ["the bag's shown decision changed", `UPDATE bags SET decision_action = 'clear'`, 4],
  ["the bag's shown outcome removed", 'UPDATE bags SET outcome = NULL, outcome_kind = NULL', 5],
])('%s is found', (_, sql, brokenAt) => {
  const { verify, tamper } = filled()
  tamper(sql)
  expect(verify()).toMatchObject({ ok: false, brokenAt })
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
