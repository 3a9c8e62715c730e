// Which files `lanescope scan` screens: what was named, and what lies in named folders, in an order that stays the same.
import { createHash } from 'node:crypto'
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { sniff, SNIFFED_BYTES } from '../inference/sniff'

const EXTENSIONS = new Set(['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.tif', '.tiff', '.webp', '.bmp', '.dib'])
/** No scan of 50 megapixels needs more, and a stray disk image must not fill the memory. */
const MOST_BYTES = 1024 ** 3

/** A file to screen; or a file or folder of which it is known already that it can't be. */
export type Listed = { file: string } | { file: string; unreadable: string }
export interface Listing {
  scans: Listed[]
  /** files in folders that are no images, by name and by content */
  passedOver: number
}

/**
 * Named files as they are; folders recursively, sorted by name. In a folder a file counts as a scan by its extension or by its first
 * bytes, so that a scan with an odd name is not lost and a readme is not an alarm.
 */
export async function listScans(paths: readonly string[]): Promise<Listing> {
  const listing: Listing = { scans: [], passedOver: 0 }
  for (const path of paths) {
    try {
      if ((await stat(path)).isDirectory()) await walk(path, listing, new Set())
      else listing.scans.push({ file: path })
    } catch (error) {
      listing.scans.push({ file: path, unreadable: inWords(error) })
    }
  }
  return listing
}

async function walk(folder: string, listing: Listing, above: ReadonlySet<string>): Promise<void> {
  const real = await realpath(folder)
  // A link to a folder above would never end.
  if (above.has(real)) return
  const here = new Set(above).add(real)
  for (const name of (await readdir(folder)).sort()) {
    const file = join(folder, name)
    try {
      const kind = await stat(file)
      if (kind.isDirectory()) await walk(file, listing, here)
      else if (kind.isFile() && (EXTENSIONS.has(extname(name).toLowerCase()) || (await looksLikeScan(file))))
        listing.scans.push({ file })
      else listing.passedOver += 1
    } catch (error) {
      listing.scans.push({ file, unreadable: inWords(error) })
    }
  }
}

async function looksLikeScan(file: string): Promise<boolean> {
  const handle = await open(file)
  try {
    const start = Buffer.alloc(SNIFFED_BYTES)
    const { bytesRead } = await handle.read(start, 0, SNIFFED_BYTES, 0)
    const format = sniff(start.subarray(0, bytesRead))
    // "BM" alone is how many a text begins.
    return format !== null && format !== 'bmp'
  } finally {
    await handle.close()
  }
}

export type ReadScan = { bytes: Uint8Array; sha256: string } | { unreadable: string }

/** A file's bytes and their SHA-256, or in plain words why they can't be had. */
export async function readScan(file: string): Promise<ReadScan> {
  try {
    const kind = await stat(file)
    if (!kind.isFile()) return { unreadable: 'It is neither a file nor a folder.' }
    if (kind.size > MOST_BYTES) return { unreadable: 'The file is larger than 1 GiB.' }
    const bytes = await readFile(file)
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
  } catch (error) {
    return { unreadable: inWords(error) }
  }
}

const WORDS: Record<string, string> = {
  ENOENT: 'There is no such file or folder.',
  EACCES: 'It cannot be read: permission denied.',
  EPERM: 'It cannot be read: permission denied.',
  ELOOP: 'It cannot be read: its links go in a circle.',
  EIO: 'It cannot be read: the disk or network share reports an error.',
}
function inWords(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return WORDS[code] ?? `It cannot be read: ${error instanceof Error ? error.message : String(error)}`
}
