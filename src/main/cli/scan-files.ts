// Which files `lanescope scan` screens: what was named, and what lies in named folders, in an order that stays the same.
import { stat } from 'node:fs/promises'
import { byNaturalName } from '../../domain/scan/names'
import { plainWords } from '../../domain/scan/words'
import { holdsPicture, kindOf } from '../files/kind'
import { lookAt } from '../files/look'
import { readScan as read } from '../files/read'
import { walk, type Found } from '../files/walk'

/** No scan of 50 megapixels needs more, and a stray disk image must not fill the memory. */
const MOST_BYTES = 1024 ** 3

/** A file to screen; or a file or folder of which it is known already that it can't be. `at`: how the system opens it, where its name is not valid text. */
export type Listed = { file: string; at?: string | Buffer } | { file: string; unreadable: string }
export interface Listing {
  scans: Listed[]
  /** files in folders that are no scans */
  passedOver: number
}

/**
 * Named files as they are; folders to the bottom, in natural order of names. In a folder a file is a scan by the rule of the lanes' folders
 * (../files/kind.ts), except that somebody's unfinished file is one too where it holds a picture: nobody will come back to it.
 */
export async function listScans(paths: readonly string[]): Promise<Listing> {
  const listing: Listing = { scans: [], passedOver: 0 }
  for (const path of paths) {
    try {
      if ((await stat(path)).isDirectory()) await list(path, listing)
      else listing.scans.push({ file: path })
    } catch (error) {
      listing.scans.push({ file: path, unreadable: inWords(error) })
    }
  }
  return listing
}

async function list(folder: string, listing: Listing): Promise<void> {
  const { files, unreadable } = await walk(folder, 'all')
  const found: Listed[] = unreadable.map(({ path, error }) => ({ file: path, unreadable: inWords(error) }))
  for (const file of files) {
    const listed = await listedAs(file)
    if (listed === null) listing.passedOver += 1
    else found.push(listed)
  }
  listing.scans.push(...found.sort((a, b) => byNaturalName(a.file, b.file)))
}

/** Null: no scan. */
async function listedAs({ path: file, name, at }: Found): Promise<Listed | null> {
  try {
    const look = await lookAt(at, null)
    if (look === 'gone') return { file, unreadable: inWords(Object.assign(new Error(), { code: 'ENOENT' })) }
    if (look === 'outside') return null
    const kind = await kindOf({ path: file, name, at }, look.size)
    return kind === 'scan' || (kind === 'unfinished' && (await holdsPicture(at))) ? { file, at } : null
  } catch (error) {
    return { file, unreadable: inWords(error) }
  }
}

export type ReadScan = { bytes: Uint8Array; sha256: string } | { unreadable: string }

/** A file's bytes and their key, or in plain words why they can't be had. */
export async function readScan(file: string, at: string | Buffer = file): Promise<ReadScan> {
  try {
    const look = await lookAt(at, null)
    if (look === 'gone') await stat(at)
    if (look === 'gone' || look === 'outside') return { unreadable: 'It is neither a file nor a folder.' }
    if (look.size > MOST_BYTES) return { unreadable: 'The file is larger than 1 GiB.' }
    const found = await read(at)
    if (typeof found === 'string') return { unreadable: 'The file changed while it was read.' }
    return { bytes: found.bytes, sha256: found.sha256 }
  } catch (error) {
    return { unreadable: inWords(error) }
  }
}

const inWords = (error: unknown): string => `The file cannot be read: ${plainWords(error)}.`
