// `lanescope audit`: the record of a lane that runs is checked beside it; tampering gives its own exit code.
import { Command } from 'commander'
import Database from 'better-sqlite3'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { register } from '../../../src/main/cli/audit'
import { UsageError } from '../../../src/main/cli/exit'
import { record, tempFolder, tempStore } from '../store/make'

afterEach(() => {
  process.exitCode = undefined
})

/** Runs the command in this process; returns what it printed and its exit code. */
async function audit(...args: string[]): Promise<{ printed: string; code: unknown }> {
  let printed = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
  const program = new Command('lanescope').exitOverride()
  register(program)
  try {
    await program.parseAsync(['audit', ...args], { from: 'user' })
  } finally {
    write.mockRestore()
  }
  return { printed, code: process.exitCode }
}

test('a whole record, then a tampered one, both while the station holds the folder', async () => {
  const { store, folder } = tempStore()
  const { id } = store.log.receive({ lane: 'n', path: '/a', content: { sha256: 'a' }, kept: false, receivedAt: 1 })
  store.log.finish(id, record('alarm', { gun: 'alarm' }))
  store.log.decide(id, { action: 'search', person: 'Ada', reason: null, at: 2, seconds: 1 })
  const whole = await audit('--data', folder)
  expect(whole.code).toBe(0)
  expect(whole.printed).toMatch(/whole: 1 rows, last hash [0-9a-f]{64}\n$/)

  const db = new Database(join(folder, 'lanescope.sqlite'))
  onTestFinished(() => void db.close())
  db.exec(`DROP TRIGGER audit_no_update; UPDATE audit SET person = 'Eve'`)
  const tampered = await audit('--data', folder, '--json')
  expect(tampered.code).toBe(65)
  expect(JSON.parse(tampered.printed)).toMatchObject({ ok: false, brokenAt: 1 })
})

test('a folder without a lane is wrong use', async () => {
  await expect(audit('--data', tempFolder())).rejects.toThrow(UsageError)
})
