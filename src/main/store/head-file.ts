// The last signed head, kept in a file beside the key: whoever cuts the chain or puts an older database back does not reach it.
//
// Two slots of one sector each are written in turn, so that a power cut in mid-write leaves the other. The file follows a second behind the
// database, never ahead of it: a copy of the data folder taken file by file must not look like a chain whose end was cut.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import * as z from 'zod'
import { syncFolder, writeSynced, type StationKey } from './key'

/** Where the chain ends, and the newest row of the tables that are looked at one by one. */
export interface Head {
  /** links in the chain */
  seq: number
  /** of the last link, hex; START for none */
  hash: string
  bags: number
  policies: number
  calibrations: number
}
export interface SignedHead extends Head {
  signature: Buffer
}

export const headText = ({ seq, hash, bags, policies, calibrations }: Head): string =>
  `lanescope head 1\n${seq} ${hash} ${bags} ${policies} ${calibrations}`

const SLOT = 512
const BEHIND_MS = 1000
const count = z.number().int().nonnegative()
const slot = z.object({
  seq: count,
  hash: z.string(),
  bags: count,
  policies: count,
  calibrations: count,
  signature: z.base64().transform((text) => Buffer.from(text, 'base64')),
})

export class HeadFile {
  #pending: SignedHead | null = null
  #due: SignedHead | null = null
  #written = -1
  /** a slot that may be overwritten */
  #next: 0 | 1 = 0
  #timer: NodeJS.Timeout | null = null

  constructor(
    private readonly file: string,
    private readonly key: StationKey,
    private readonly failed: (error: unknown) => void,
  ) {}

  get exists(): boolean {
    return existsSync(this.file)
  }

  /** Makes the file; to be done before the key is, so that a key never stands without it. */
  static make(file: string): void {
    if (existsSync(file)) return
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const temporary = `${file}.${process.pid}.new`
    writeSynced(temporary, Buffer.alloc(2 * SLOT, ' '))
    renameSync(temporary, file)
    syncFolder(dirname(file))
  }

  /** The newest head that this station's key signed; 'none' where nothing was signed yet, null where the file is missing or unreadable. */
  read(): SignedHead | 'none' | null {
    let text: string
    try {
      text = readFileSync(this.file, 'latin1')
    } catch {
      return null
    }
    if (text.length >= 2 * SLOT && text.trim() === '') return 'none'
    let best: SignedHead | null = null
    for (const n of [0, 1] as const) {
      const head = this.#parse(text.slice(n * SLOT, (n + 1) * SLOT))
      if (!head || (best && best.seq >= head.seq)) continue
      best = head
      this.#next = n === 0 ? 1 : 0
    }
    return best
  }

  /** Takes note of a committed head. It reaches the file between one and two seconds later. */
  note(head: SignedHead): void {
    this.#pending = head
    this.#timer ??= setInterval(() => {
      if (this.#due) this.#write(this.#due)
      this.#due = this.#pending
      this.#pending = null
      if (!this.#due && this.#timer) {
        clearInterval(this.#timer)
        this.#timer = null
      }
    }, BEHIND_MS).unref()
  }

  /** Writes a head at once, also one that is shorter than the last: after a break was entered in the record. */
  force(head: SignedHead): void {
    this.#pending = null
    this.#due = null
    this.#written = -1
    HeadFile.make(this.file)
    // both slots: the longer one must not be believed again
    this.#write(head)
    this.#write(head)
  }

  /** Writes what is still to be written. */
  close(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
    const last = this.#pending ?? this.#due
    this.#pending = null
    this.#due = null
    if (last) this.#write(last)
  }

  #write(head: SignedHead): void {
    if (head.seq < this.#written) return
    try {
      const found = this.#written < 0 ? null : this.read()
      // another process may have gone further
      if (found && found !== 'none' && found.seq > head.seq) return
      const text = JSON.stringify({ ...head, signature: head.signature.toString('base64') })
      const fd = openSync(this.file, 'r+', 0o600)
      try {
        writeSync(fd, Buffer.from(`${text.padEnd(SLOT - 1)}\n`), 0, SLOT, this.#next * SLOT)
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
      this.#next = this.#next === 0 ? 1 : 0
      this.#written = head.seq
    } catch (error) {
      this.failed(error)
    }
  }

  #parse(text: string): SignedHead | null {
    try {
      const head = slot.parse(JSON.parse(text))
      return this.key.verifies(headText(head), head.signature) ? head : null
    } catch {
      return null
    }
  }
}
