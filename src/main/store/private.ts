// The data folder is its owner's alone: scans and decisions are nobody else's business, and the key least of all.
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const OTHERS = 0o077

/** Takes group and others their rights, where there are such; on what is not ours, or where the system knows no modes, nothing happens. */
function mend(path: string): void {
  try {
    const { mode } = statSync(path)
    if ((mode & OTHERS) !== 0) chmodSync(path, mode & 0o700)
  } catch {
    // gone meanwhile, or another user's
  }
}
export const mendFile = mend
export const mendFolder = mend

/** Makes a data folder with an empty database file in it, both private from the first moment on, and mends what an earlier version left open. */
export function privateFolder(folder: string, database: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  mendFolder(folder)
  // SQLite gives its side files the rights of the database itself
  if (!existsSync(database)) closeSync(openSync(database, 'a', 0o600))
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isFile() && !entry.isDirectory()) continue
    mend(join(folder, entry.name))
    // the archive is large: the caretaker looks through it
    if (entry.name === 'backup') for (const copy of readdirSync(join(folder, entry.name))) mend(join(folder, entry.name, copy))
  }
}
