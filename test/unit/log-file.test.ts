// The program's own log, as somebody finds it in the data folder after a bad night.
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openLogFile } from '../../src/main/log-file'
import { tempFolder } from './store/make'

const said: string[] = []
beforeEach(() => {
  said.length = 0
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0)
})
afterEach(() => void vi.restoreAllMocks())
const lines = (path: string): string[] => readFileSync(path, 'utf8').trimEnd().split(/\r?\n/)
const mode = (path: string): number => statSync(path).mode & 0o777

test('a line has time and level, is on disk at once, and is on stderr too', () => {
  const { say, path } = openLogFile(tempFolder(), { now: () => new Date('2026-01-02T03:04:05.678Z') })
  say('the lane runs')
  say('the disk is full', 'error')
  expect(lines(path)).toEqual(['2026-01-02T03:04:05.678Z info  the lane runs', '2026-01-02T03:04:05.678Z error the disk is full'])
  expect(said).toEqual(['lanescope: the lane runs\n', 'lanescope: the disk is full\n'])
})

test.skipIf(process.platform === 'win32')('only the owner may read it, whatever the umask and whatever was there', () => {
  const data = tempFolder()
  mkdirSync(join(data, 'logs'))
  chmodSync(join(data, 'logs'), 0o777)
  const before = process.umask(0)
  try {
    const { say, path } = openLogFile(data, { largest: 10 })
    for (let i = 0; i < 3; i++) say(`line ${i}, longer than ten bytes`)
    expect(mode(join(data, 'logs'))).toBe(0o700)
    expect(mode(path)).toBe(0o600)
    expect(mode(join(data, 'logs', 'lanescope.1.log'))).toBe(0o600)
  } finally {
    process.umask(before)
  }
})

test('it rotates by size and keeps so many; nothing is lost between them', () => {
  const data = tempFolder()
  const { say, path } = openLogFile(data, { largest: 400, kept: 2 })
  for (let i = 0; i < 40; i++) say(`event ${i}`)
  const files = [join(data, 'logs', 'lanescope.2.log'), join(data, 'logs', 'lanescope.1.log'), path]
  const events = files.flatMap(lines).map((line) => Number(line.split(' ').at(-1)))
  expect(events.at(-1)).toBe(39)
  expect(events).toEqual(Array.from({ length: events.length }, (_, i) => 40 - events.length + i))
  expect(existsSync(join(data, 'logs', 'lanescope.3.log'))).toBe(false)
  for (const file of files) expect(statSync(file).size).toBeLessThan(500)
})

test("a scan's name cannot forge a line or turn the text around", () => {
  const { say, path } = openLogFile(tempFolder())
  say('bag 7 (a\n2026-01-01T00:00:00.000Z info  bag 7 was clear\u001b[2K\u202egnp.nug.png)')
  expect(lines(path)).toHaveLength(1)
  // eslint-disable-next-line no-control-regex -- none of these may be there
  expect(lines(path)[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
  expect(lines(path)[0]).toContain('\\u202E')
  expect(said).toHaveLength(1)
})

test('a second start goes on in the same file', () => {
  const data = tempFolder()
  openLogFile(data).say('first start')
  const { say, path } = openLogFile(data)
  say('second start')
  expect(lines(path).map((line) => line.slice(31))).toEqual(['first start', 'second start'])
})

test('a log that cannot be written stops nothing, and says so', () => {
  const data = tempFolder()
  writeFileSync(join(data, 'logs'), 'a file in the place of the folder')
  const { say } = openLogFile(data)
  say('the lane runs all the same')
  expect(said.join('')).toContain('there is no log file')
  expect(said.join('')).toContain('the lane runs all the same')
})
