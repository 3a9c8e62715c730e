// Opens the database: durable settings, numbered migrations, and a refusal of what a newer program wrote.
import Database from 'better-sqlite3'
import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs'
import { DatabaseFromTheFuture, NotOurDatabase } from './errors'
import { MIGRATIONS, type Migration } from './migrations'

export type Db = Database.Database

/** 'LANE' in ASCII: tells our files from other programs' databases. */
export const APPLICATION_ID = 0x4c414e45
export const NEWEST_VERSION = MIGRATIONS.length

/** What the database says it is: 0 for an empty one. */
export const versionOf = (db: Db): number => db.pragma('user_version', { simple: true }) as number

/**
 * Opens (and makes, and migrates) the database at `path`. Every commit is on the disk when the statement returns (WAL, synchronous FULL).
 * Before an upgrade the old file is copied to `<path>.before-<n>`. Throws DatabaseFromTheFuture or NotOurDatabase, and changes nothing then.
 */
export function openDatabase(path: string, upTo = NEWEST_VERSION): Db {
  const db = new Database(path, { timeout: 5000 })
  try {
    db.pragma('foreign_keys = ON')
    db.pragma('synchronous = FULL')
    check(db, path)
    db.pragma('journal_mode = WAL')
    migrate(db, path, upTo)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function check(db: Db, path: string): void {
  const id = db.pragma('application_id', { simple: true }) as number
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number
  if (id !== APPLICATION_ID && tables > 0) throw new NotOurDatabase(path)
  const version = versionOf(db)
  if (version > NEWEST_VERSION) throw new DatabaseFromTheFuture(version, NEWEST_VERSION)
}

function migrate(db: Db, path: string, upTo: number): void {
  const from = versionOf(db)
  if (from >= upTo) return
  const backup = `${path}.before-${from + 1}`
  if (from > 0 && !existsSync(backup)) {
    // its name appears when it is whole: half a copy must not pass for the old database
    const part = `${backup}.part`
    rmSync(part, { force: true })
    db.prepare('VACUUM INTO ?').run(part)
    chmodSync(part, 0o600)
    renameSync(part, backup)
  }
  for (const migration of MIGRATIONS.slice(0, upTo)) apply(db, migration)
}

/** One migration in one transaction; one that another process has made meanwhile is left alone. */
function apply(db: Db, migration: Migration): void {
  db.transaction(() => {
    if (versionOf(db) >= migration.version) return
    migration.up(db)
    db.pragma(`application_id = ${APPLICATION_ID}`)
    db.pragma(`user_version = ${migration.version}`)
  }).immediate()
}
