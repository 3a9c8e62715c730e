// The long looks at a data folder: pages, record, archive, backup. Each opens the database itself, so that it can run in a thread of its own.
import Database from 'better-sqlite3'
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  type Dirent,
} from 'node:fs'
import { join } from 'node:path'
import { syncFolder } from './key'
import { findSigner } from './keyring'
import { archiveIn, backupIn, databaseIn } from './places'
import { mendFile, mendFolder } from './private'
import { verifyRecord, type AuditFinding } from './verify'

export interface Chores {
  /** SQLite's own look at every page and index; empty when all is well */
  pages: string[]
  record: AuditFinding
  archive: ArchiveLook
  /** the bags received and not screened up to `upTo`, by the table itself */
  unfinished: number[]
  /** the new backup's file; null where nothing was written since the last */
  backup: string | null
}
export type Chore = keyof Chores
export interface ChoreOptions {
  folder: string
  keyFile: string
  upTo?: number
}

export interface ArchiveLook {
  files: number
  /** contents without a row that are scans, and the files they lie in */
  orphans: { sha256: string; file: string }[]
  /** contents that every bag has let go, and heatmaps that no bag has */
  leftovers: string[]
  /** files that were begun by a program that has ended */
  parts: string[]
  /** bags whose scan or heatmap should be there and is not */
  missing: number[]
}

/** Does a chore. Rejects where the database cannot be read. */
export async function doChore<C extends Chore>(chore: C, options: ChoreOptions): Promise<Chores[C]> {
  const { folder, keyFile, upTo = Number.MAX_SAFE_INTEGER } = options
  const chores: { [K in Chore]: () => Chores[K] | Promise<Chores[K]> } = {
    pages: () => reading(folder, (db) => checkPages(db)),
    record: () => verifyRecord(databaseIn(folder), findSigner(keyFile)),
    archive: () => lookThrough(folder),
    unfinished: () =>
      reading(folder, (db) =>
        db
          .prepare<[number], number>('SELECT id FROM bags NOT INDEXED WHERE verdict IS NULL AND id <= ? ORDER BY id')
          .pluck()
          .all(upTo),
      ),
    backup: () => backUp(folder),
  }
  return chores[chore]()
}

function reading<T>(folder: string, work: (db: Database.Database) => T): T {
  const db = new Database(databaseIn(folder), { readonly: true, timeout: 5000 })
  try {
    return work(db)
  } finally {
    db.close()
  }
}

/** At most twenty lines; SQLite says of one damaged page what it does to each table and index. */
export function checkPages(db: Database.Database): string[] {
  try {
    const lines = db.prepare<[], string>('PRAGMA integrity_check(20)').pluck().all()
    return lines.length === 1 && lines[0] === 'ok' ? [] : lines
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

const CONTENT = /^([0-9a-f]{64})\.([a-z0-9]{1,8})$/

/** Compares the archive's files with the rows, and makes each file its owner's alone. Changes no row and removes nothing. */
function lookThrough(folder: string): ArchiveLook {
  const look: ArchiveLook = { files: 0, orphans: [], leftovers: [], parts: [], missing: [] }
  const there = new Set<string>()
  reading(folder, (db) => {
    const held = db.prepare<[string], number>('SELECT max(has_scan) FROM bags WHERE sha256 = ?').pluck()
    const shown = db.prepare<[string], number>('SELECT 1 FROM bags WHERE heatmap = ? LIMIT 1').pluck()
    for (const file of filesIn(archiveIn(folder))) {
      const name = file.slice(file.lastIndexOf('/') + 1)
      mendFile(file)
      if (name.endsWith('.part')) look.parts.push(file)
      const [, sha256, extension] = CONTENT.exec(name) ?? []
      if (sha256 === undefined) continue
      look.files += 1
      there.add(sha256)
      const kept = held.get(sha256) ?? null
      if (kept === 1 || shown.get(sha256) !== undefined) continue
      if (kept === 0 || extension === HEATMAP) look.leftovers.push(sha256)
      else look.orphans.push({ sha256, file })
    }
    const wanted = db
      .prepare<[], [number, string | null, string | null]>(
        'SELECT id, iif(has_scan, sha256, NULL), heatmap FROM bags NOT INDEXED WHERE has_scan = 1 OR heatmap IS NOT NULL ORDER BY id',
      )
      .raw()
    for (const [id, scan, heatmap] of wanted.iterate())
      if ((scan !== null && !there.has(scan)) || (heatmap !== null && !there.has(heatmap))) look.missing.push(id)
  })
  return look
}

/** The extension of heatmap sheets, which must not be taken for scans. */
export const HEATMAP = 'heat'

function* filesIn(folder: string): Generator<string> {
  let entries: Dirent[]
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch {
    return
  }
  mendFolder(folder)
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesIn(path)
    else if (entry.isFile()) yield path
  }
}

/** Backups that are kept. */
const GENERATIONS = 3
export const BACKUP = /^lanescope-.*\.sqlite$/

/** Copies the database as it is now, in one step of SQLite's backup, and drops the oldest copies. Throws where there is no room. */
async function backUp(folder: string): Promise<string | null> {
  const backups = backupIn(folder)
  mkdirSync(backups, { recursive: true, mode: 0o700 })
  const { bavail, bsize } = statfsSync(backups)
  const { size } = statSync(databaseIn(folder))
  if (bavail * bsize < 2 * size + 2 ** 28) throw new Error('There is not enough room on the disk.')
  const links = reading(folder, (db) => db.prepare<[], number | null>('SELECT max(seq) FROM links').pluck().get() ?? 0)
  const name = `lanescope-${new Date().toISOString().replaceAll(':', '.')}-${links}.sqlite`
  const old = readdirSync(backups)
    .filter((n) => BACKUP.test(n))
    .toSorted()
  if (old.at(-1)?.endsWith(`-${links}.sqlite`)) return null
  for (const part of readdirSync(backups).filter((n) => n.endsWith('.part'))) rmSync(join(backups, part))
  const part = join(backups, `${name}.part`)
  // all pages in one step: a writer would make it begin anew
  const db = new Database(databaseIn(folder), { readonly: true, timeout: 5000 })
  try {
    await db.backup(part, { progress: () => 2 ** 31 - 1 })
  } finally {
    db.close()
  }
  chmodSync(part, 0o600)
  if (!isWhole(part)) {
    rmSync(part)
    throw new Error('The database is damaged, so it is not copied over the backups that there are.')
  }
  syncFile(part)
  renameSync(part, join(backups, name))
  syncFolder(backups)
  for (const gone of [...old, name].slice(0, -GENERATIONS)) rmSync(join(backups, gone))
  return join(backups, name)
}

/** Also takes the copy out of WAL mode, so that it is one file. */
function isWhole(file: string): boolean {
  const copy = new Database(file)
  try {
    copy.pragma('journal_mode = DELETE')
    return copy.prepare<[], string>('PRAGMA quick_check(1)').pluck().get() === 'ok'
  } catch {
    return false
  } finally {
    copy.close()
  }
}

function syncFile(file: string): void {
  const fd = openSync(file, 'r+')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
