// `lanescope audit`: the record of a lane that runs is checked beside it; tampering gives its own exit code.
import { Command } from 'commander'
import Database from 'better-sqlite3'
import { renameSync, rmSync } from 'node:fs'
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
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text, ...rest: unknown[]) => {
    printed += String(text)
    const written = rest.at(-1)
    if (typeof written === 'function') (written as () => void)()
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
  expect(whole.printed).toMatch(/whole: 1 audit rows, 4 links, last hash [0-9a-f]{64}\n$/)

  const db = new Database(join(folder, 'lanescope.sqlite'))
  onTestFinished(() => void db.close())
  db.exec(`DROP TRIGGER audit_no_update; UPDATE audit SET person = 'Eve'`)
  const tampered = await audit('--data', folder, '--json')
  expect(tampered.code).toBe(65)
  expect(JSON.parse(tampered.printed)).toMatchObject({
    ok: false,
    brokenAt: 1,
    findings: [{ at: 1, what: 'audit row 1' }, {}, {}],
  })
})

test('without the key nothing is vouched for, and the key may lie elsewhere', async () => {
  const { store, folder } = tempStore()
  store.log.receive({ lane: 'n', path: '/a', content: { sha256: 'a' }, kept: false, receivedAt: 1 })
  store.close()
  const apart = join(tempFolder(), 'station.key')
  for (const end of ['', '.head']) renameSync(join(folder, `lanescope.key${end}`), `${apart}${end}`)
  const without = await audit('--data', folder)
  expect(without.code).toBe(66)
  expect(without.printed).toContain('cannot be vouched for')
  expect((await audit('--data', folder, '--key', apart)).code).toBe(0)
  // with the head gone, somebody may have cut the end
  rmSync(`${apart}.head`)
  expect((await audit('--data', folder, '--key', apart)).code).toBe(65)
})

test('a database that does not open is not whole', async () => {
  const { store, folder } = tempStore()
  store.close()
  const db = new Database(join(folder, 'lanescope.sqlite'))
  db.pragma('user_version = 2')
  db.close()
  expect((await audit('--data', folder)).code).toBe(65)
})

test('a folder without a lane is wrong use', async () => {
  await expect(audit('--data', tempFolder())).rejects.toThrow(UsageError)
})
