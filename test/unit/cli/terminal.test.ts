// What the command line prints of a file's name can forge no line, and turns nothing round.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { built } from '../inference/built'
import { bagScan, jpeg } from '../inference/scans'
import { writeTinyModel } from '../inference/tiny-model'

const folder = mkdtempSync(join(tmpdir(), 'lanescope-terminal-'))
const scans = join(folder, 'scans')
const NAMES = ['a.jpg\nclear         b.jpg', '\u001b[1A\u001b[2Kclear.jpg', 'gpj.\u202ereal.jpg', '\u009b2J.jpg']
let cli = ''
beforeAll(async () => {
  cli = (await built('terminal', join(import.meta.dirname, '../../../src/main/cli.ts'))).entry
  writeTinyModel(join(folder, 'models'))
  mkdirSync(scans)
  const bag = await jpeg(bagScan())
  for (const name of NAMES) writeFileSync(join(scans, name), bag)
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true }))
const run = (...args: string[]) => {
  const { stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8' })
  return { stdout, stderr, all: stdout + stderr }
}
// eslint-disable-next-line no-control-regex -- what must not be there
const FORGING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/

test('scan: a line a scan, nothing that moves the cursor', () => {
  const { stdout, all } = run('scan', '--model', join(folder, 'models'), scans)
  expect(all).not.toMatch(FORGING)
  expect(stdout.trimEnd().split('\n')).toHaveLength(NAMES.length + 1)
  expect(stdout).toContain('gpj.\\u202Ereal.jpg')
})

test('scan --json: the names are the same to a program', () => {
  const { stdout, all } = run('scan', '--json', '--model', join(folder, 'models'), scans)
  expect(all).not.toMatch(FORGING)
  const files = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { file: string }).file)
  expect(files.toSorted()).toEqual(NAMES.map((name) => join(scans, name)).toSorted())
})

test.each([['scan', 'no \u001b[2Ksuch.jpg'], ['scan', '--no\u202e-such'], ['audit', '--data', 'none\u009b2J'], ['gone\u202e']])(
  'what is wrong with %j %j',
  (...args) => {
    expect(run(...args).all).not.toMatch(FORGING)
  },
)
