// One station on a data folder: an operating-system lock that a killed process cannot leave behind.
import Database from 'better-sqlite3'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FolderInUse } from './errors'

const hasCode = (error: unknown, prefix: string): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith(prefix)

/**
 * Locks a data folder (made if missing) until the returned function is called or the process ends, however it ends.
 * Throws FolderInUse when another station holds it. SQLite's own exclusive lock is used because Node has no flock.
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true })
  const holder = join(folder, 'station.pid')
  const lock = join(folder, 'station.lock')
  closeSync(openSync(lock, 'a', 0o600))
  const db = new Database(lock, { timeout: 0 })
  try {
    db.pragma('journal_mode = MEMORY')
    db.pragma('locking_mode = EXCLUSIVE')
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (!hasCode(error, 'SQLITE_BUSY') && !hasCode(error, 'SQLITE_LOCKED')) throw error
    throw new FolderInUse(folder, pidIn(holder))
  }
  try {
    writeFileSync(holder, String(process.pid), { mode: 0o600 })
  } catch {
    // only for the message above: a full disk must not keep a station from starting
  }
  return () => db.close()
}

function pidIn(file: string): string | null {
  try {
    const text = readFileSync(file, 'utf8').trim()
    return /^\d+$/.test(text) ? text : null
  } catch {
    return null
  }
}
