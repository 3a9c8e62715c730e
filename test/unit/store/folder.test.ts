// The data folder: one station at a time, also after a kill; policies, calibrations and kept states in it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { firstCalibration, firstPolicy } from '../../../src/domain/first-policy'
import { FolderInUse, openStore } from '../../../src/main/store'
import { manifest } from '../domain/manifest'
import { tempFolder, tempStore } from './make'

test('a second station on the same folder is refused in plain words; after the first it may open', () => {
  const { store, folder } = tempStore()
  expect(() => openStore({ folder })).toThrow(FolderInUse)
  expect(() => openStore({ folder })).toThrow(`process ${process.pid}`)
  store.close()
  openStore({ folder }).close()
})

test('the command line may look into a folder that a station holds', () => {
  const { store, folder } = tempStore()
  store.log.receive({ lane: 'n', path: '/a', content: { sha256: 'a' }, kept: false, receivedAt: 1 })
  const beside = openStore({ folder, exclusive: false })
  onTestFinished(() => beside.close())
  expect(beside.log.recent(1)).toHaveLength(1)
})

test('another process is refused too, and a killed one leaves no lock behind', async () => {
  const folder = tempFolder()
  const sqlite = pathToFileURL(join(import.meta.dirname, '../../../node_modules/better-sqlite3/lib/index.js')).href
  // what lockFolder does, in a process of its own
  const script = `import Database from '${sqlite}'
    const db = new Database(process.argv[1], { timeout: 0 })
    db.pragma('locking_mode = EXCLUSIVE'); db.exec('BEGIN EXCLUSIVE')
    console.log('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, join(folder, 'station.lock')])
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  expect(() => openStore({ folder })).toThrow(FolderInUse)
  child.kill('SIGKILL')
  await once(child, 'exit')
  openStore({ folder }).close()
})

test('policies and calibrations are numbered, kept over a restart, and entered in the audit', () => {
  const { store, folder } = tempStore()
  const { policies } = store
  expect(policies.isEmpty()).toBe(true)
  expect(() => policies.current()).toThrow('no alarm policy')
  const calibration = policies.saveCalibration(firstCalibration(manifest, 5))
  const first = policies.save(firstPolicy(manifest, calibration.version, 5))
  const second = policies.save({ ...firstPolicy(manifest, 1, 6), author: 'Ada', reason: 'fewer false alarms' })
  expect([first.version, second.version]).toEqual([1, 2])
  store.close()
  const again = openStore({ folder })
  onTestFinished(() => again.close())
  expect(again.policies.current()).toEqual(second)
  expect(again.policies.get(1)).toEqual(first)
  expect(again.policies.get(3)).toBeNull()
  expect(again.policies.list().map((p) => p.version)).toEqual([2, 1])
  expect(again.policies.currentCalibration()).toEqual(calibration)
  expect(again.verifyAudit()).toMatchObject({ ok: true, rows: 3 })
})

test('a policy saved by another process is in force at once', () => {
  const { store, folder } = tempStore()
  store.policies.saveCalibration(firstCalibration(manifest, 5))
  store.policies.save(firstPolicy(manifest, 1, 5))
  const beside = openStore({ folder, exclusive: false })
  onTestFinished(() => beside.close())
  beside.policies.save({ ...firstPolicy(manifest, 1, 6), author: 'Ada', reason: 'imported' })
  expect(store.policies.current()).toMatchObject({ version: 2, author: 'Ada' })
})

test('a policy without its calibration, or with its tiers out of order, is not saved', () => {
  const { store } = tempStore()
  expect(() => store.policies.save(firstPolicy(manifest, 1, 5))).toThrow('no calibration 1')
  store.policies.saveCalibration(firstCalibration(manifest, 5))
  const broken = firstPolicy(manifest, 1, 5)
  broken.classes.gun.alarm.threshold = broken.classes.gun.advisory.threshold - 1
  expect(() => store.policies.save(broken)).toThrow()
  expect(store.policies.isEmpty()).toBe(true)
})

test('kept states come back byte for byte, also from a view into a larger buffer', () => {
  const { store } = tempStore()
  expect(store.state.load('sketch')).toBeNull()
  store.state.save('sketch', new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4))
  store.state.save('other', new Uint8Array())
  expect([...(store.state.load('sketch') ?? [])]).toEqual([1, 2, 3])
  store.state.save('sketch', new Uint8Array([7]))
  expect([...(store.state.load('sketch') ?? [])]).toEqual([7])
  expect([...(store.state.load('other') ?? [])]).toEqual([])
})

test('a damaged database is said in plain words', () => {
  const folder = tempFolder()
  writeFileSync(join(folder, 'lanescope.sqlite'), 'not a database at all, '.repeat(200))
  expect(() => openStore({ folder })).toThrow(`The data folder ${folder} cannot be opened: The database is damaged.`)
})
