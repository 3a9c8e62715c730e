// Which files a feed handed over before the station was started anew: so that new ones go first. Only an order hangs on it, never whether a file
// is handed over: what is lost or torn here is read again, and what is remembered is read again too, when nothing else is to do.
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface Remembered {
  signature: string
  sha256: string
}
/** Lines that may be out of date before the file is written anew. */
const SPARE_LINES = 1000

export class Memory {
  #known = new Map<string, Remembered>()
  #lines = 0
  #pending = ''
  #writing: Promise<void> = Promise.resolve()

  /** `file`: null remembers nothing. */
  constructor(private readonly file: string | null) {}

  async load(): Promise<void> {
    if (this.file === null) return
    const text = await readFile(this.file, 'utf8').catch(() => '')
    for (const line of text.split('\n')) {
      const [path, signature, sha256] = parsed(line)
      if (path === undefined || signature === undefined || sha256 === undefined) continue
      this.#known.set(path, { signature, sha256 })
      this.#lines += 1
    }
  }
  get(path: string): Remembered | undefined {
    return this.#known.get(path)
  }

  /** Writes soon; a failure (a full disk) costs order at the next start and nothing else. */
  note(path: string, remembered: Remembered): void {
    if (this.file === null) return
    this.#known.set(path, remembered)
    this.#lines += 1
    const first = this.#pending === ''
    this.#pending += lineOf(path, remembered)
    if (first) this.#queue((file) => appendFile(file, this.#take()))
  }

  /** Forgets files that are no more; writes the file anew where much of it is out of date. */
  keepOnly(present: ReadonlyMap<string, unknown>): void {
    for (const path of this.#known.keys()) if (!present.has(path)) this.#known.delete(path)
    if (this.#lines <= 2 * this.#known.size + SPARE_LINES) return
    this.#queue(async (file) => {
      this.#take()
      this.#lines = this.#known.size
      await writeFile(`${file}.new`, [...this.#known].map(([path, known]) => lineOf(path, known)).join(''))
      await rename(`${file}.new`, file)
    })
  }
  /** Resolves when all is written. */
  async close(): Promise<void> {
    await this.#writing
  }

  #take(): string {
    const text = this.#pending
    this.#pending = ''
    return text
  }
  #queue(write: (file: string) => Promise<void>): void {
    const { file } = this
    if (file === null) return
    this.#writing = this.#writing
      .then(() => mkdir(dirname(file), { recursive: true }))
      .then(() => write(file))
      .catch(() => undefined)
  }
}

const lineOf = (path: string, { signature, sha256 }: Remembered): string => `${JSON.stringify([path, signature, sha256])}\n`
function parsed(line: string): string[] {
  try {
    const read: unknown = JSON.parse(line)
    return Array.isArray(read) && read.length === 3 && read.every((item) => typeof item === 'string') ? read : []
  } catch {
    // the last line before a kill, or an empty one
    return []
  }
}
