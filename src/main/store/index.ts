// Opens a data folder: the database with its repositories, the signed record, and the image archive.
import type { Archive, BagLog, Clock, KeptState, PolicyBook } from '../station/ports'
import { DiskArchive } from './archive'
import { SqliteBagLog } from './bags'
import { openDatabase, type Db } from './database'
import { StoreCaretaker } from './caretaker'
import { Damage, pagesAtStart } from './damage'
import { SqliteLetGo } from './let-go'
import { lockFolder } from './lock'
import { archiveIn, databaseIn, keyIn } from './places'
import { privateFolder } from './private'
import { SqlitePolicyBook } from './policies'
import { openRecord } from './record'
import { SqliteState } from './state'
import { ChoreThreads } from './threads'
import { verifyRecord, type AuditFinding } from './verify'

import { DatabaseFromTheFuture, FolderInUse, NotOurDatabase } from './errors'
import { plainReason } from '../station/reasons'

export { DatabaseFromTheFuture, FolderInUse, NotOurDatabase }
export type { AuditFinding } from './verify'

export interface Store {
  log: BagLog
  archive: Archive
  policies: PolicyBook
  state: KeptState
  /** What was found at opening, in plain words: a record whose end does not fit, rules that were changed. */
  findings: string[]
  /** Walks the whole record: one to two minutes for a million bags. */
  verifyAudit(): AuditFinding
  /** Where the chain ends: how many links, and the last one's hash (hex). */
  head(): { links: number; hash: string } | null
  /** Looks after all of it beside the lane: give it to the station. */
  caretaker: StoreCaretaker
  /** Closes the database and gives the folder back. */
  close(): void
}
export interface StoreOptions {
  /** data folder, made if missing: lanescope.sqlite and archive/ */
  folder: string
  /** the file with the station's key, made if missing (default: lanescope.key in the data folder); the head is kept beside it */
  key?: string | undefined
  clock?: Clock
  /** the built entry of the thread for the caretaker's chores (default: they are done on the caller's own loop) */
  threads?: string | null
  /** a station holds the folder alone; the command line may look in and change policies beside it (default true) */
  exclusive?: boolean
}

export { databaseIn } from './places'

/** Throws FolderInUse, DatabaseFromTheFuture, NotOurDatabase, or an Error, each with a message for the person who started it. */
export function openStore(options: StoreOptions): Store {
  try {
    return open(options)
  } catch (error) {
    if (error instanceof FolderInUse || error instanceof DatabaseFromTheFuture || error instanceof NotOurDatabase) throw error
    throw new Error(`The data folder ${options.folder} cannot be opened: ${plainReason(error)}`, { cause: error })
  }
}

function open({ folder, key, clock = { now: () => Date.now() }, exclusive = true, threads = null }: StoreOptions): Store {
  const path = databaseIn(folder)
  const keyFile = keyIn(folder, key)
  privateFolder(folder, path)
  const unlock = exclusive ? lockFolder(folder) : () => undefined
  let db: Db | null = null
  try {
    db = openDatabase(path)
    const pages = exclusive ? pagesAtStart(db, path) : null
    const opened = db
    const { audit, chain, seals, findings } = openRecord(db, { keyFile, exclusive, clock })
    const damage = new Damage()
    const letGo = new SqliteLetGo(db, chain)
    const archive = new DiskArchive(archiveIn(folder), letGo, clock)
    const chores = new ChoreThreads(threads, { folder, keyFile })
    const head = (): { links: number; hash: string } | null => {
      const found = chain.head()
      return found && { links: found.seq, hash: found.hash }
    }
    return {
      log: damage.watched(new SqliteBagLog(db, audit, chain)),
      archive,
      policies: damage.watched(new SqlitePolicyBook(db, audit, chain, seals)),
      state: damage.watched(new SqliteState(db, seals, clock)),
      findings,
      verifyAudit: () => verifyRecord(path, chain.signer),
      head,
      caretaker: new StoreCaretaker({
        clock,
        chore: (chore, upTo) => chores.do(chore, upTo),
        stop: () => chores.stop(),
        head,
        newest: () => chain.newest().bags,
        findings,
        damage: () => damage.found,
        pages,
        tidy: (look) => archive.tidy(look),
        known: (sha256) => letGo.knows(sha256),
      }),
      close: () => {
        opened.close()
        chain.signer?.headFile.close()
        unlock()
      },
    }
  } catch (error) {
    db?.close()
    unlock()
    throw error
  }
}
