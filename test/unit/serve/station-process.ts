// Runs the built served station as a process of its own, for tests that start, kill and restart it.
import Database from 'better-sqlite3'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import { out } from '../../electron/built'

export interface StationProcess {
  child: ChildProcess
  pid: number
  /** the address with its token, once it is printed */
  url: Promise<string>
  stdout: () => string
  stderr: () => string
  /** exit code, or the signal's name */
  ended: Promise<number | string>
}

/** `entry`: default the served root. `before`: what the command line begins with, e.g. `unshare -n`; default this Node. */
export function startStation(
  args: string[],
  {
    before = [process.execPath],
    entry = out('main/serve.js'),
    env = {},
  }: { before?: string[]; entry?: string; env?: NodeJS.ProcessEnv } = {},
): StationProcess {
  const [command = process.execPath, ...first] = before
  const child = spawn(command, [...first, entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<number | string>((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal ?? -1)))
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      const found = /http:\/\/\S+/.exec(stdout)
      if (found) resolve(found[0])
    })
    void ended.then((how) => reject(new Error(`The station ended (${how}):\n${stderr}`)))
  })
  url.catch(() => undefined)
  return { child, pid: child.pid ?? -1, url, stdout: () => stdout, stderr: () => stderr, ended }
}

export interface Row {
  id: number
  path: string
  verdict: string | null
  reason: string | null
}
/** The log's rows, read beside the running station; none before the database is there. */
export function rows(data: string): Row[] {
  const file = join(data, 'lanescope.sqlite')
  if (!existsSync(file)) return []
  const db = new Database(file, { readonly: true })
  try {
    return db.prepare('SELECT id, path, verdict, reason FROM bags ORDER BY id').all() as Row[]
  } catch (error) {
    // just being made
    if (error instanceof Error && /no such table|locked/.test(error.message)) return []
    throw error
  } finally {
    db.close()
  }
}

export const until = (check: () => void | Promise<void>, timeout = 60_000): Promise<void> =>
  vi.waitFor(check, { timeout, interval: 50 })
