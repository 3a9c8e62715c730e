// Lists every file below a folder, by the bytes of its name, with what could not be read and what was left alone.
import { isUtf8 } from 'node:buffer'
import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { isLeftAlone, textOfName, textOfValidName } from '../../domain/scan/names'
import { codeOf } from '../../domain/scan/words'
import type { FilePath } from './look'

export interface Found extends FilePath {
  /** the last part of `path` */
  name: string
}
export interface Walked {
  /** files, and links that may lead to one; in no order */
  files: Found[]
  /** sub-folders that could not be read */
  unreadable: { path: string; error: unknown }[]
  /** folders of the storage system that were not entered */
  leftAlone: number
}
/** `files`: links to files count as files, links to folders are left; `all`: links to folders are followed too, never in a circle. */
export type Links = 'files' | 'all'

/** Rejects when the folder itself cannot be read; a sub-folder that cannot is reported in `unreadable`. */
export async function walk(root: string, links: Links = 'files'): Promise<Walked> {
  const result: Walked = { files: [], unreadable: [], leftAlone: 0 }
  const pending: (FilePath & { above: readonly string[] })[] = [{ path: root, at: root, above: [] }]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    let entries: Dirent<Buffer>[]
    let above = folder.above
    try {
      if (links === 'all') {
        const real = await realpath(folder.at)
        if (above.includes(real)) continue
        above = [...above, real]
      }
      entries = await readdir(folder.at, { withFileTypes: true, encoding: 'buffer' })
    } catch (error) {
      if (folder.path === root) throw error
      if (codeOf(error) !== 'ENOENT') result.unreadable.push({ path: folder.path, error })
      continue
    }
    for (const entry of entries) {
      const found = child(folder, entry.name)
      if (entry.isDirectory() || (links === 'all' && entry.isSymbolicLink() && (await isFolder(found.at)))) {
        if (isLeftAlone(found.name)) result.leftAlone += 1
        else pending.push({ ...found, above })
      } else if (entry.isFile() || entry.isSymbolicLink()) result.files.push(found)
    }
  }
  return result
}

function child(folder: FilePath, name: Buffer): Found {
  const valid = isUtf8(name)
  const text = valid ? textOfValidName(name.toString('utf8')) : textOfName(name)
  const path = join(folder.path, text)
  if (valid && typeof folder.at === 'string') return { path, name: text, at: join(folder.at, name.toString('utf8')) }
  return { path, name: text, at: Buffer.concat([Buffer.from(folder.at), Buffer.from(sep), name]) }
}

async function isFolder(at: string | Buffer): Promise<boolean> {
  try {
    return (await stat(at)).isDirectory()
  } catch {
    return false
  }
}
