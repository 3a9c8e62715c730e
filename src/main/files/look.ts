// How a file looks from outside, and which file it is.
import type { BigIntStats } from 'node:fs'
import { lstat, realpath, stat } from 'node:fs/promises'
import { sep } from 'node:path'
import { codeOf } from '../../domain/scan/words'

/** A path as people read it, and as the system opens it (bytes where the name is not valid text). */
export interface FilePath {
  /** unique: two files never share a text */
  path: string
  at: string | Buffer
}

export interface Look {
  size: number
  /** ms since 1970 by the server's clock: for order and for telling files apart, never for "how long ago" */
  modified: number
  /** size and times: equal as long as nothing was written. The inode has no part in it: some shares change it from look to look. */
  signature: string
  inode: bigint
  born: bigint
}

export const lookOf = (s: BigIntStats): Look => ({
  size: Number(s.size),
  modified: Number(s.mtimeNs) / 1e6,
  signature: `${s.size}:${s.mtimeNs}:${s.ctimeNs}`,
  inode: s.ino,
  born: s.birthtimeNs,
})

/**
 * Whether two looks, at different places, are at one file. An inode alone proves nothing (it is used again); with the moment of birth it does, where
 * the file system is known to keep that (`keepsBirth`); elsewhere size and time must be the same too. Never by inodes that are all 0.
 */
export function isSameFile(a: Look, b: Look, keepsBirth: boolean): boolean {
  if (a.inode === 0n || a.inode !== b.inode || a.born !== b.born) return false
  return keepsBirth || (a.size === b.size && a.modified === b.modified)
}

/** `outside`: a link that leads out of `within`. */
export type Looked = Look | 'gone' | 'outside'

/** Looks at a path. `gone`: no regular file is there. `within`: the real path of the folder that links may not lead out of; null: any may. */
export async function lookAt(at: string | Buffer, within: string | null): Promise<Looked> {
  try {
    let found = await lstat(at, { bigint: true })
    if (found.isSymbolicLink()) {
      found = await stat(at, { bigint: true })
      if (within !== null && !(await realpath(at)).startsWith(within.endsWith(sep) ? within : within + sep)) return 'outside'
    }
    return found.isFile() ? lookOf(found) : 'gone'
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return 'gone'
    throw error
  }
}
