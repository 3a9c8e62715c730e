// Puts a backup in the place of a database that is damaged or gone, and says what the backup does not have.
import Database from 'better-sqlite3'
import { copyFileSync, existsSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Audit } from './audit'
import { Chain } from './chain'
import { BACKUP, checkPages } from './chores'
import { openDatabase } from './database'
import { syncFolder } from './key'
import { findSigner } from './keyring'
import { lockFolder } from './lock'
import { backupIn, databaseIn, keyIn } from './places'
import { mendFile } from './private'

export interface Backup {
  file: string
  /** epoch ms */
  at: number
}
export interface Restored {
  from: string
  /** where the former database was put; null where there was none */
  aside: string | null
  /** links of the record that the backup does not have; null where nobody knows how many there were */
  linksLost: number | null
  /** bags that the former database has and the backup has not, as far as it can be read; null where it cannot */
  bags: { lost: number; first: number; last: number } | null
  decisions: number | null
  says: string
}

/** The rolling backups of a data folder and the copies made before upgrades, newest first. */
export function backupsOf(folder: string): Backup[] {
  const list = (at: string, wanted: RegExp): Backup[] =>
    (existsSync(at) ? readdirSync(at) : [])
      .filter((name) => wanted.test(name))
      .map((name) => ({ file: join(at, name), at: statSync(join(at, name)).mtimeMs }))
  return [...list(backupIn(folder), BACKUP), ...list(folder, /^lanescope\.sqlite\.before-\d+$/)].toSorted((a, b) => b.at - a.at)
}

/**
 * Puts `from` in the database's place; the former one is kept aside, whatever state it is in. The station must not run (FolderInUse). Throws in
 * plain words where the backup itself is damaged; nothing is changed then.
 */
export function restore(folder: string, from: string, { key, now }: { key?: string | undefined; now: number }): Restored {
  const unlock = lockFolder(folder)
  try {
    return putBack(folder, from, keyIn(folder, key), now)
  } finally {
    unlock()
  }
}

function putBack(folder: string, from: string, keyFile: string, now: number): Restored {
  const path = databaseIn(folder)
  const incoming = `${path}.restoring`
  copyFileSync(from, incoming)
  mendFile(incoming)
  const copy = new Database(incoming)
  let faults: string[]
  let there: Tally
  try {
    faults = checkPages(copy)
    there = tally(copy)
    copy.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    copy.close()
  }
  if (faults.length > 0) throw new Error(`${from} is damaged itself: ${faults[0] ?? ''}`)
  const former = existsSync(path) ? readFormer(path) : null
  const aside = existsSync(path) ? `${path}.former-${new Date(now).toISOString().replaceAll(':', '.')}` : null
  if (aside !== null) for (const end of ['', '-wal', '-shm']) if (existsSync(path + end)) renameSync(path + end, aside + end)
  for (const end of ['-wal', '-shm']) if (existsSync(incoming + end)) renameSync(incoming + end, path + end)
  renameSync(incoming, path)
  syncFolder(folder)
  const kept = findSigner(keyFile)?.headFile.read()
  const had = kept && kept !== 'none' ? kept.seq : (former?.links ?? null)
  const restored: Omit<Restored, 'says'> = {
    from,
    aside,
    linksLost: had === null ? null : Math.max(0, had - there.links),
    bags: former && { lost: Math.max(0, former.bags - there.bags), first: there.bags + 1, last: former.bags },
    decisions: former && Math.max(0, former.decisions - there.decisions),
  }
  const says = inWords(restored)
  enter(path, keyFile, now, { from, links: there.links, had, says })
  return { ...restored, says }
}

interface Tally {
  links: number
  bags: number
  decisions: number
}
function tally(db: Database.Database): Tally {
  const number = (sql: string): number => {
    try {
      return db.prepare<[], number | null>(sql).pluck().get() ?? 0
    } catch {
      // a table from before there was a chain, or a page that cannot be read
      return 0
    }
  }
  return {
    links: number('SELECT max(seq) FROM links'),
    bags: number('SELECT max(id) FROM bags'),
    decisions: number('SELECT max(id) FROM decisions'),
  }
}

function readFormer(path: string): Tally | null {
  try {
    const db = new Database(path, { readonly: true })
    try {
      db.prepare('SELECT count(*) FROM sqlite_schema').get()
      return tally(db)
    } finally {
      db.close()
    }
  } catch {
    return null
  }
}

/** Enters in the record that it goes on from a backup: the head kept apart follows from here. */
function enter(path: string, keyFile: string, now: number, detail: Record<string, unknown>): void {
  const db = openDatabase(path)
  const chain = new Chain(db, findSigner(keyFile))
  try {
    // one from before there was a chain is taken over when the station starts; a key that is gone is told of then
    if (!chain.signer || !chain.head()) return
    const audit = new Audit(db)
    chain.goOn(() => {
      chain.write((bind) => void audit.add({ at: now, person: null, action: 'restored', subject: 'station', detail }, bind))
    })
  } finally {
    db.close()
    chain.signer?.headFile.close()
  }
}

function inWords({ from, linksLost, bags, decisions }: Omit<Restored, 'says'>): string {
  const lost =
    linksLost === null ? 'how much of the record is missing is not known' : `${linksLost} entries of the record are missing`
  const which =
    bags === null
      ? 'the former database could not be read, so the bags are not known'
      : bags.lost === 0
        ? 'no bag is missing'
        : `bags ${bags.first} to ${bags.last} are missing`
  const people = decisions ? `, and ${decisions} decisions` : ''
  return `from ${from}: ${lost}; ${which}${people}. Scans that are still in the archive or in the feed's folder are screened again at the next start.`
}
