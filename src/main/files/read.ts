// Reads a scan's file: its bytes with their key and what its format says of them, or that it changed or went meanwhile.
import { open } from 'node:fs/promises'
import { wholeness, type Wholeness } from '../../domain/scan/whole'
import { codeOf } from '../../domain/scan/words'
import { keyOf } from './key'
import { lookOf, type Look } from './look'

export interface Read extends Wholeness {
  bytes: Uint8Array
  sha256: string
}

/**
 * Reads a whole file. With `expected` it must be the file of that look, before and after: `changed` where it is not. `gone` where it is no more there.
 * Rejects with the file system's error.
 */
export async function readScan(at: string | Buffer, expected?: Look): Promise<Read | 'changed' | 'gone'> {
  try {
    await using file = await open(at)
    const before = lookOf(await file.stat({ bigint: true }))
    if (expected !== undefined && before.signature !== expected.signature) return 'changed'
    const bytes = await file.readFile()
    const after = lookOf(await file.stat({ bigint: true }))
    if (after.signature !== before.signature || bytes.length !== before.size) return 'changed'
    return { bytes, sha256: await keyOf(bytes), ...wholeness(bytes) }
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && expected !== undefined) return 'gone'
    throw error
  }
}
