// A policy that somebody has changed in the database: refused at the start and in service, said gravely, the model's own thresholds stand in.
import Database from 'better-sqlite3'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { firstPolicy } from '../../../src/domain/first-policy'
import { manifest } from '../domain/manifest'
import { makeStation, ok, type Made } from './make'

function forge(folder: string, sql: string): void {
  const db = new Database(join(folder, 'lanescope.sqlite'))
  const triggers = db
    .prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    .all()
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`)
  db.exec(sql)
  for (const { sql: rule } of triggers) db.exec(rule)
  db.close()
}
const RAISED = `UPDATE policies SET document = json_set(document, '$.classes.gun.alarm.threshold', 99, '$.classes.gun.advisory.threshold', 98)`

/** A station with policy 2 in force, closed. */
async function lane(): Promise<string> {
  const { station, store, folder, close } = makeStation()
  await station.start()
  store.policies.save({ ...firstPolicy(manifest, 1, 9), author: 'Ada', reason: 'fewer false alarms' })
  await close()
  return folder
}
/** Screens a bag that the model's own thresholds call an alarm. */
async function alarmOf({ station, inference, scan }: Made): Promise<unknown> {
  inference.answer = () => ok({ gun: 9 })
  await scan('gun')
  await station.idle()
  return station.recent(1)[0]
}

test.each([
  ['thresholds raised', RAISED],
  ['the newest removed', 'DELETE FROM policies WHERE version = 2'],
  ['all removed', 'DELETE FROM policies'],
  [
    'an older one put in again',
    `INSERT INTO policies SELECT 3, created_at, author, model_sha256, json_set(document, '$.version', 3) FROM policies WHERE version = 1`,
  ],
  ['its calibration changed', `UPDATE calibrations SET document = json_set(document, '$.classes.gun.map.b', -50)`],
  ['its seal removed', 'DELETE FROM seals'],
])('at the start: %s', async (_, sql) => {
  const folder = await lane()
  forge(folder, sql)
  const made = makeStation({ folder })
  await made.station.start()
  const { troubles, policy } = await made.station.status()
  expect(troubles).toContainEqual({ grave: true, text: expect.stringContaining('stands in') as string })
  expect(policy).toBeGreaterThanOrEqual(3)
  expect(made.store.policies.current()).toMatchObject({
    author: 'manifest',
    reason: expect.stringContaining('It is refused') as string,
  })
  expect(await alarmOf(made)).toMatchObject({ verdict: 'alarm', policy })
  expect(made.store.verifyAudit()).toMatchObject({ ok: false, tampered: true })
})

test("in service: the next bag is judged by the model's own thresholds; a policy saved by a person ends the trouble", async () => {
  const made = makeStation()
  await made.station.start()
  forge(
    made.folder,
    `INSERT INTO policies SELECT 2, created_at, author, model_sha256,
    json_set(document, '$.version', 2, '$.classes.gun.alarm.threshold', 99) FROM policies WHERE version = 1`,
  )
  expect(await alarmOf(made)).toMatchObject({ verdict: 'alarm', policy: 3 })
  expect((await made.station.status()).troubles).toContainEqual({
    grave: true,
    text: expect.stringContaining('Alarm policy 2 is not') as string,
  })
  const { prevalence, bagsPerHour, classes, calibration } = made.store.policies.current()
  made.station.alarms.save({ draft: { prevalence, bagsPerHour, classes, calibration }, person: 'Ada', reason: 'looked at' })
  expect((await made.station.status()).troubles.filter((t) => t.grave)).toEqual([])
})

test('an untouched policy stays in force over a restart, without a word', async () => {
  const made = makeStation({ folder: await lane() })
  await made.station.start()
  const { troubles, policy } = await made.station.status()
  expect(policy).toBe(2)
  expect(troubles.filter((t) => t.grave)).toEqual([])
})
