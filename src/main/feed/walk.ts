// Lists every file below a folder, with what could not be read said by name.
import type { Dirent, Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isHidden } from './names'

export interface Walked {
  /** regular files (a link to a file counts as one), in no order */
  files: string[]
  /** sub-folders that could not be read */
  unreadable: { path: string; why: string }[]
}

/** Node's error code, e.g. `ENOENT`; empty for other errors. */
export const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')

/** An error of the file system in plain words, without a full stop. */
export function plainWords(error: unknown): string {
  const code = codeOf(error)
  switch (code) {
    case 'ENOENT':
      return 'it is not there'
    case 'EACCES':
    case 'EPERM':
      return 'no permission to read it'
    case 'ENOTDIR':
      return 'it is not a folder'
    case 'EISDIR':
      return 'it is a folder'
    case 'EIO':
    case 'ESTALE':
    case 'EHOSTDOWN':
    case 'ETIMEDOUT':
    case 'ENOTCONN':
      return `the disk or network share does not answer (${code})`
    case 'EBUSY':
      return 'another program keeps it locked'
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open on this machine'
    default:
      return code || (error instanceof Error ? error.message : String(error))
  }
}

/**
 * Walks a folder. Links to folders are not followed (they may form a circle); hidden folders are left out.
 * Rejects when the folder itself cannot be read; a sub-folder that cannot is reported in `unreadable`.
 */
export async function walk(root: string): Promise<Walked> {
  const result: Walked = { files: [], unreadable: [] }
  const pending = [root]
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    let entries: Dirent[]
    try {
      entries = await readdir(directory, { withFileTypes: true })
    } catch (error) {
      if (directory === root) throw error
      if (codeOf(error) !== 'ENOENT') result.unreadable.push({ path: directory, why: plainWords(error) })
      continue
    }
    for (const entry of entries) {
      const path = join(directory, entry.name)
      if (entry.isDirectory()) {
        if (!isHidden(entry.name)) pending.push(path)
      } else if (entry.isFile() || entry.isSymbolicLink()) {
        result.files.push(path)
      }
    }
  }
  return result
}

/** A file's stat, or null when there is no regular file of that name (any more). */
export async function fileStat(path: string): Promise<Stats | null> {
  try {
    const found = await stat(path)
    return found.isFile() ? found : null
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return null
    throw error
  }
}
