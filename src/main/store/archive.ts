// Scans and heatmaps on disk by content: archive/ab/cd/<sha256>.<extension>, written whole or not at all, verified when read.
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, statfs, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Archive, Clock } from '../station/ports'
import { plainReason } from '../station/reasons'
import type { LetGoSource } from './let-go'

/** A content put this lately is not let go: its bag may not have been committed yet. */
export const FRESH_MS = 10 * 60_000

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const hasCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code

export class DiskArchive implements Archive {
  readonly #fresh = new Map<string, number>()
  /** folders known to be there and on the disk */
  readonly #folders = new Set<string>()
  /** tells this run's unfinished files from those of a run that was killed */
  readonly #run = randomUUID()
  /** Writing and removing take turns, so that nothing is removed that was found whole a moment ago. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly folder: string,
    private readonly bags: LetGoSource,
    private readonly clock: Clock,
  ) {}

  async put(bytes: Uint8Array, extension: string, sha256 = hash(bytes)): Promise<string> {
    const folder = this.#folderOf(sha256)
    try {
      await this.#inTurn(async () => {
        this.#fresh.set(sha256, this.clock.now())
        if (await this.#intact(sha256)) return
        await this.#made(folder)
        const name = join(folder, `${sha256}.${/^[a-z0-9]{1,8}$/.test(extension) ? extension : 'bin'}`)
        await writeDurably(join(folder, `.${this.#run}-${randomUUID()}.part`), name, bytes).catch((error: unknown) => {
          // somebody may have removed the folder
          this.#folders.delete(folder)
          throw error
        })
      })
      return sha256
    } catch (error) {
      throw new Error(`The scan could not be kept: ${plainReason(error)}`, { cause: error })
    }
  }

  async get(sha256: string): Promise<Uint8Array | null> {
    const file = await this.#find(sha256)
    if (file === null) return null
    const bytes = await readIfThere(file)
    if (bytes === null) return null
    if (hash(bytes) !== sha256) throw new Error('The archived file is damaged: its content is not what was stored.')
    return bytes
  }

  async letGo(keep: number): Promise<number> {
    const now = this.clock.now()
    for (const [sha256, at] of this.#fresh) if (Math.abs(now - at) > FRESH_MS) this.#fresh.delete(sha256)
    const going = this.bags.candidates(keep).filter((sha256) => !this.#fresh.has(sha256))
    if (going.length === 0) return 0
    this.bags.forget(going)
    for (const sha256 of going) await this.#inTurn(() => this.#remove(sha256))
    return going.length
  }

  async disk(): Promise<{ freeBytes: number; totalBytes: number }> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    const { bavail, blocks, bsize } = await statfs(this.folder)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  }

  /** Removes files that nobody needs, of which the chores told: begun by a program that has ended, or let go by every bag. */
  async tidy({ parts, leftovers }: { parts: readonly string[]; leftovers: readonly string[] }): Promise<number> {
    let removed = 0
    for (const part of parts) {
      if (basename(part).startsWith(`.${this.#run}-`)) continue
      await unlink(part).catch(() => undefined)
      removed += 1
    }
    for (const sha256 of leftovers)
      await this.#inTurn(async () => {
        if (this.bags.needs(sha256)) return
        await this.#remove(sha256)
        removed += 1
      })
    return removed
  }

  /** Makes a content's folder; the names of new folders are on the disk when it returns. */
  async #made(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return
    const first = await mkdir(folder, { recursive: true, mode: 0o700 })
    if (first !== undefined) for (let at = folder; at.length >= first.length; at = dirname(at)) await syncFolder(dirname(at))
    this.#folders.add(folder)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  /** Removes a content's file, unless it was put again meanwhile. */
  async #remove(sha256: string): Promise<void> {
    const file = this.#fresh.has(sha256) ? null : await this.#find(sha256)
    if (file === null) return
    await unlink(file).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error
    })
  }

  #folderOf(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error('Not a SHA-256.')
    return join(this.folder, sha256.slice(0, 2), sha256.slice(2, 4))
  }

  /** The file of a content, whatever its extension. */
  async #find(sha256: string): Promise<string | null> {
    const folder = this.#folderOf(sha256)
    try {
      const name = (await readdir(folder)).find((n) => n.startsWith(`${sha256}.`))
      return name === undefined ? null : join(folder, name)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return null
      throw error
    }
  }

  /** Whether the content is there already and whole; a damaged file is removed so that it can be written anew. */
  async #intact(sha256: string): Promise<boolean> {
    const file = await this.#find(sha256)
    if (file === null) return false
    const bytes = await readIfThere(file)
    if (bytes !== null && hash(bytes) === sha256) return true
    if (bytes !== null) await unlink(file)
    return false
  }
}

async function readIfThere(file: string): Promise<Uint8Array | null> {
  try {
    return await readFile(file)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

/** Temporary file, fsync, rename, fsync of the folder: after a crash the name holds the whole content or does not exist. */
async function writeDurably(temporary: string, name: string, bytes: Uint8Array): Promise<void> {
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, name)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  await syncFolder(dirname(name))
}

async function syncFolder(folder: string): Promise<void> {
  const directory = await open(folder, 'r')
  try {
    await directory.sync()
  } catch {
    // some network shares can't sync a folder; the content itself is synced
  } finally {
    await directory.close()
  }
}
