// Opens a data folder: the database with its repositories, the audit, and the image archive.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Archive, BagLog, Clock, KeptState, PolicyBook } from '../station/ports'
import { DiskArchive } from './archive'
import { Audit, type AuditFinding } from './audit'
import { SqliteBagLog } from './bags'
import { openDatabase } from './database'
import { SqliteLetGo } from './let-go'
import { lockFolder } from './lock'
import { SqlitePolicyBook } from './policies'
import { SqliteState } from './state'

import { DatabaseFromTheFuture, FolderInUse, NotOurDatabase } from './errors'
import { plainReason } from '../station/reasons'

export { DatabaseFromTheFuture, FolderInUse, NotOurDatabase }
export type { AuditFinding } from './audit'

export interface Store {
  log: BagLog
  archive: Archive
  policies: PolicyBook
  state: KeptState
  /** Finds the first row of the audit that was tampered with. */
  verifyAudit(): AuditFinding
  /** Closes the database and gives the folder back. */
  close(): void
}
export interface StoreOptions {
  /** data folder, made if missing: lanescope.sqlite and archive/ */
  folder: string
  clock?: Clock
  /** a station holds the folder alone; the command line may look in and change policies beside it (default true) */
  exclusive?: boolean
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

function open({ folder, clock = { now: () => Date.now() }, exclusive = true }: StoreOptions): Store {
  mkdirSync(folder, { recursive: true })
  const unlock = exclusive ? lockFolder(folder) : () => undefined
  try {
    const db = openDatabase(join(folder, 'lanescope.sqlite'))
    const audit = new Audit(db)
    return {
      log: new SqliteBagLog(db, audit),
      archive: new DiskArchive(join(folder, 'archive'), new SqliteLetGo(db), clock),
      policies: new SqlitePolicyBook(db, audit),
      state: new SqliteState(db, clock),
      verifyAudit: () => audit.verify(),
      close: () => {
        db.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}
