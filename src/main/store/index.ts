// Opens a data folder: the database with its repositories, the signed record, and the image archive.
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Archive, BagLog, Clock, KeptState, PolicyBook } from '../station/ports'
import { DiskArchive } from './archive'
import { SqliteBagLog } from './bags'
import { openDatabase } from './database'
import { SqliteLetGo } from './let-go'
import { lockFolder } from './lock'
import { SqlitePolicyBook } from './policies'
import { openRecord } from './record'
import { SqliteState } from './state'
import { verifyRecord, type AuditFinding } from './verify'

import { DatabaseFromTheFuture, FolderInUse, NotOurDatabase } from './errors'
import { plainReason } from '../station/reasons'

export { DatabaseFromTheFuture, FolderInUse, NotOurDatabase }
export type { AuditFinding, Finding } from './verify'

export interface Store {
  log: BagLog
  archive: Archive
  policies: PolicyBook
  state: KeptState
  /** What was found at opening, in plain words: a record whose end does not fit, rules that were changed. */
  findings: string[]
  /** Walks the whole record: about a minute for a million bags. */
  verifyAudit(): AuditFinding
  /** Where the chain ends: how many links, and the last one's hash (hex). */
  head(): { links: number; hash: string } | null
  /** Closes the database and gives the folder back. */
  close(): void
}
export interface StoreOptions {
  /** data folder, made if missing: lanescope.sqlite and archive/ */
  folder: string
  /** the file with the station's key, made if missing (default: lanescope.key in the data folder); the head is kept beside it */
  key?: string | undefined
  clock?: Clock
  /** a station holds the folder alone; the command line may look in and change policies beside it (default true) */
  exclusive?: boolean
}

export const databaseIn = (folder: string): string => join(folder, 'lanescope.sqlite')
/** The key that was named, here or by the environment, else the one in the data folder. */
export function keyIn(folder: string, key = process.env['LANESCOPE_KEY']): string {
  return key === undefined || key === '' ? join(folder, 'lanescope.key') : resolve(key)
}

/** Throws FolderInUse, DatabaseFromTheFuture, NotOurDatabase, or an Error, each with a message for the person who started it. */
export function openStore(options: StoreOptions): Store {
  try {
    return open(options)
  } catch (error) {
    if (error instanceof FolderInUse || error instanceof DatabaseFromTheFuture || error instanceof NotOurDatabase) throw error
    throw new Error(`The data folder ${options.folder} cannot be opened: ${plainReason(error)}`, { cause: error })
  }
}

function open({ folder, key, clock = { now: () => Date.now() }, exclusive = true }: StoreOptions): Store {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const unlock = exclusive ? lockFolder(folder) : () => undefined
  try {
    const path = databaseIn(folder)
    const db = openDatabase(path)
    const { audit, chain, seals, findings } = openRecord(db, { keyFile: keyIn(folder, key), exclusive, clock })
    return {
      log: new SqliteBagLog(db, audit, chain),
      archive: new DiskArchive(join(folder, 'archive'), new SqliteLetGo(db, chain), clock),
      policies: new SqlitePolicyBook(db, audit, chain, seals),
      state: new SqliteState(db, seals, clock),
      findings,
      verifyAudit: () => verifyRecord(path, chain.signer),
      head: () => {
        const head = chain.head()
        return head && { links: head.seq, hash: head.hash }
      },
      close: () => {
        db.close()
        chain.signer?.headFile.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}
