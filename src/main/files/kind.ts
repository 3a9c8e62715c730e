// What a file in a folder is: a bag's scan, somebody's unfinished work, or none of ours. One rule for feeds, replays and `scan`:
// the name where it is plain, else the first bytes.
import { open } from 'node:fs/promises'
import { HEAD_BYTES, isPicture } from '../../domain/scan/format'
import { nameKind } from '../../domain/scan/names'
import { isBlank } from '../../domain/scan/whole'
import type { Found } from './walk'

/** Why a file is left alone, as people read it after a number. */
export type LeftWhy = 'no picture' | 'empty' | 'kept by the storage system' | 'link out of the folder'
export type FileKind = 'scan' | 'unfinished' | LeftWhy

/**
 * Judges a file of `size` bytes. What can't be told counts as a scan: then it is handed over, and ends as unscreenable where it is none.
 * A beginning of zeros is space that a writer has reserved: a scan to come.
 */
export async function kindOf({ name, at }: Found, size: number): Promise<FileKind> {
  const kind = nameKind(name)
  if (kind === 'storage') return 'kept by the storage system'
  if (kind !== 'other') return kind
  if (size === 0) return 'empty'
  const head = await headOf(at)
  return head === null || isPicture(head) || isBlank(head) ? 'scan' : 'no picture'
}

/** Whether an unfinished file's content is a picture's: a bag that its writer never gave its name. */
export async function holdsPicture(at: string | Buffer): Promise<boolean> {
  const head = await headOf(at)
  return head === null || isPicture(head) || isBlank(head)
}

async function headOf(at: string | Buffer): Promise<Uint8Array | null> {
  try {
    await using file = await open(at)
    const head = Buffer.alloc(HEAD_BYTES)
    const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0)
    return head.subarray(0, bytesRead)
  } catch {
    return null
  }
}
