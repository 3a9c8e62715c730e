// Databases from before there was a chain: they open, their old audit chains verify, and what was wrong with them then stays known.
import Database from 'better-sqlite3'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { firstCalibration, firstPolicy } from '../../../src/domain/first-policy'
import { openStore, type Store } from '../../../src/main/store'
import { auditHash, GENESIS } from '../../../src/main/store/audit'
import { canonicalJson } from '../../../src/main/store/canonical'
import { openDatabase } from '../../../src/main/store/database'
import { mapClasses } from '../../../src/shared/classes'
import { manifest } from '../domain/manifest'
import { tempFolder } from './make'

const HALF = '\ud83d'
type Detail = Record<string, unknown>

/** A data folder as version 4 of the database left it, written as that program did. */
function oldFolder(person = 'Ada', reason: string | null = 'as Bo says'): string {
  const folder = tempFolder()
  const db = openDatabase(join(folder, 'lanescope.sqlite'), 4)
  let prev = GENESIS
  let seq = 0
  const audit = (at: number, by: string | null, action: string, subject: string, detail: Detail): number => {
    seq += 1
    const hash = auditHash({ seq, at, person: by, action, subject, detail, prev })
    db.prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(
      seq,
      at,
      by,
      action,
      subject,
      canonicalJson(detail),
      prev,
      hash,
    )
    prev = hash
    return seq
  }
  const entered = (
    table: string,
    action: string,
    document: { version: number; createdAt: number; author: string; modelSha256: string },
    detail: Detail,
  ): void => {
    const { version, createdAt, author, modelSha256 } = document
    db.prepare(`INSERT INTO ${table} VALUES (?, ?, ?, ?, ?)`).run(
      version,
      createdAt,
      author,
      modelSha256,
      JSON.stringify(document),
    )
    audit(createdAt, author, action, `${action}:${version}`, detail)
  }
  const calibration = { version: 1, ...firstCalibration(manifest, 5) }
  entered('calibrations', 'calibration', calibration, { version: 1, sample: calibration.sample, model: calibration.model })
  for (const version of [1, 2]) {
    const policy = { version, ...firstPolicy(manifest, 1, 5) }
    const thresholds = mapClasses((c) => ({
      advisory: policy.classes[c].advisory.threshold,
      alarm: policy.classes[c].alarm.threshold,
    }))
    entered('policies', 'policy', policy, { version, reason: policy.reason, calibration: 1, model: policy.model, thresholds })
  }
  for (const [i, verdict] of ['alarm', 'clear', null].entries())
    db.prepare(
      `INSERT INTO bags (lane, path, content, sha256, received_at, has_scan, screened_at, verdict, model, policy) VALUES ('n', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(`/${i}`, `${i}`, `${i}`, i, i === 1 ? 0 : 1, verdict && 9, verdict, verdict && 'm@1', verdict && 1)
  db.prepare(`INSERT INTO class_scores VALUES (1, 'gun', '[1,2,3]', 2, 0.5, 'alarm', 0.5, 0.5)`).run()
  const decided = audit(10, person, 'decide', 'bag:1', { action: 'search', reason, seconds: 2.5 })
  db.prepare(`INSERT INTO decisions VALUES (1, 1, 'search', ?, ?, 10, 2.5, ?)`).run(person, reason, decided)
  const reviewed = audit(11, 'Bo', 'review', 'bag:1', {
    kind: 'confirmed',
    class: 'gun',
    where: { x: 0.5, y: 0.25 },
    comment: reason,
  })
  db.prepare(`INSERT INTO outcomes VALUES (1, 1, 'confirmed', 'gun', 0.5, 0.25, ?, 'Bo', 11, ?)`).run(reason, reviewed)
  db.exec(`UPDATE bags SET decision = 1, decision_action = 'search', outcome = 1, outcome_kind = 'confirmed' WHERE id = 1`)
  db.prepare(`INSERT INTO state VALUES ('sketch', X'0102', 7)`).run()
  db.close()
  return folder
}

function tamper(folder: string, sql: string): void {
  const db = new Database(join(folder, 'lanescope.sqlite'))
  db.exec(sql)
  db.close()
}
function opened<T>(folder: string, work: (store: Store) => T): T {
  const store = openStore({ folder })
  try {
    return work(store)
  } finally {
    store.close()
  }
}

test('an old database opens, everything in it is bound, and its old chain verifies', () => {
  const folder = oldFolder()
  opened(folder, (store) => {
    expect(store.findings).toEqual([])
    // 3 bags, 2 verdicts, a decision, an outcome, 5 audit rows, 3 documents, and the row that says so
    expect(store.verifyAudit()).toMatchObject({ ok: true, rows: 6, links: 16, notes: [] })
    expect(store.policies.current().version).toBe(2)
    expect([...(store.state.load('sketch') ?? [])]).toEqual([1, 2])
  })
  tamper(folder, `DROP TRIGGER class_scores_are_final; UPDATE class_scores SET fused = -9`)
  expect(opened(folder, (store) => store.verifyAudit())).toMatchObject({ ok: false })
})

test('taken over once: a second start adds nothing', () => {
  const folder = oldFolder()
  const first = opened(folder, (store) => store.head())
  expect(opened(folder, (store) => store.head())).toEqual(first)
})

test.each([
  ['a changed audit row', `DROP TRIGGER audit_no_update; UPDATE audit SET person = 'Eve' WHERE seq = 4`],
  ['a changed decision', `DROP TRIGGER decisions_no_update; UPDATE decisions SET action = 'clear'`],
  ['changed seconds', `DROP TRIGGER decisions_no_update; UPDATE decisions SET seconds = 9`],
  ['a moved place', `DROP TRIGGER outcomes_no_update; UPDATE outcomes SET x = 0.9`],
  [
    'a raised threshold',
    `DROP TRIGGER policies_no_update; UPDATE policies SET document = json_set(document, '$.classes.gun.alarm.threshold', 99) WHERE version = 1`,
  ],
])('%s from before is found afterwards, too', (_, sql) => {
  const folder = oldFolder()
  tamper(folder, sql)
  expect(opened(folder, (store) => store.verifyAudit())).toMatchObject({ ok: false })
  expect(opened(folder, (store) => store.verifyAudit())).toMatchObject({ ok: false })
})

test('a policy that its own old audit row contradicts is not taken over', () => {
  const folder = oldFolder()
  tamper(
    folder,
    `DROP TRIGGER policies_no_update; UPDATE policies SET document = json_set(document, '$.classes.gun.alarm.threshold', 99) WHERE version = 2`,
  )
  opened(folder, (store) => {
    expect(() => store.policies.current()).toThrow('Alarm policy 2 is not the one that was entered')
    expect(store.policies.list().map((p) => p.version)).toEqual([1])
  })
})

test.each([
  ['a name', `Ada ${HALF}`, null, true],
  ['a name with two halves', `${HALF}x${HALF}`, null, true],
  ['a reason and a comment', 'Ada', `half ${HALF}`, false],
])('half a surrogate pair in %s, which spoilt the old chain for ever, is recognised as such', (_, person, reason, noted) => {
  const folder = oldFolder(person, reason)
  for (let start = 0; start < 2; start += 1) {
    const found = opened(folder, (store) => store.verifyAudit())
    expect(found).toMatchObject({ ok: true })
    expect(found.notes).toHaveLength(noted ? 1 : 0)
    expect(found.notes.join()).toContain(noted ? 'Audit rows 4' : '')
  }
})

test('a name changed to one with a replacement character is no spoilt name', () => {
  const folder = oldFolder()
  tamper(folder, `DROP TRIGGER audit_no_update; UPDATE audit SET person = 'Eve \ufffd' WHERE seq = 4`)
  expect(opened(folder, (store) => store.verifyAudit())).toMatchObject({ ok: false })
})

test('text that is not well-formed is written down well-formed, and the record stays whole', () => {
  const folder = tempFolder()
  opened(folder, (store) => {
    const { id } = store.log.receive({
      lane: `n${HALF}`,
      path: `/${HALF}.png`,
      content: { sha256: 'a' },
      kept: true,
      receivedAt: 1,
    })
    store.log.decide(id, { action: 'search', person: `Ada ${HALF}`, reason: `${HALF}${HALF}`, at: 1, seconds: 1 })
    expect(store.log.get(id)?.decision).toMatchObject({ person: 'Ada \ufffd', reason: '\ufffd\ufffd' })
    expect(store.verifyAudit()).toMatchObject({ ok: true, notes: [] })
  })
})
