// The feed's hands: reads what is due, oldest first, and hands it over; reports what went unread; and looks again into what it remembers.
import { LARGEST_FILE } from '../../shared/bridge'
import { plainWords } from '../../domain/scan/words'
import { lookAt } from '../files/look'
import { readScan, type Read } from '../files/read'
import type { ArrivedScan } from '../station/ports'
import type { Handover } from './handover'
import type { Looking } from './looking'
import type { Loss } from './losses'
import type { Waiting } from './settling'
import type { Shelf } from './shelf'

/** Looking again into remembered files takes at most one part in so many of the feed's time. */
const MEMORY_SHARE = 5
/** A file whose times never stand still is judged by its content alone after so many times the patience. */
const RESTLESS = 2

/** What reading came to: content to hand over, or to try again later. */
type Taken = { content: ArrivedScan['content']; sha256: string | null } | 'later'

export class Taking {
  /** elapsed ms before which no remembered file is looked into */
  #memoryAt = -Infinity

  constructor(
    private readonly lane: string,
    private readonly shelf: Shelf,
    private readonly looking: Looking,
    private readonly handover: Handover,
  ) {}

  /** Hands over the oldest file that is due; false when none is, or the station takes none. */
  async takeNext(): Promise<boolean> {
    const waiting = this.shelf.settling.next(this.shelf.now)
    if (waiting === null) return false
    const taken = await this.#read(waiting)
    return taken === 'later' || this.#give(waiting, taken)
  }

  async #give(waiting: Waiting, { content, sha256 }: Exclude<Taken, 'later'>): Promise<boolean> {
    const { settling, ledger, memory } = this.shelf
    const { path, at, look, signature } = waiting
    const known = sha256 !== null && (ledger.get(path)?.sha256 === sha256 || (await this.#wasRenamed(waiting, sha256)))
    if (!known && !(await this.handover.give({ lane: this.lane, path, content }))) {
      settling.reorder()
      return false
    }
    settling.drop(path)
    ledger.set(path, { at, signature, look, sha256 })
    if (sha256 !== null) memory.note(path, { signature, sha256 })
    return true
  }

  async #read(waiting: Waiting): Promise<Taken> {
    const { shelf } = this
    const { patienceMs, settleMs } = shelf.pace
    const { look, at } = waiting
    const stood = shelf.now - waiting.since
    if (look !== null && look.size > LARGEST_FILE) {
      if (stood < settleMs) return this.#later(waiting)
      return this.#unreadable(waiting, `The file is larger than ${LARGEST_FILE / 2 ** 20} MB.`)
    }
    try {
      // A share whose times change from look to look would never let a file settle: then its content must stand still.
      const restless = look !== null && shelf.now - waiting.first >= RESTLESS * patienceMs && stood < settleMs
      const read = await readScan(at, restless ? undefined : (look ?? undefined))
      if (read === 'changed' || read === 'gone') {
        await this.looking.observe(waiting)
        return 'later'
      }
      const still = restless ? this.#held(waiting, read) : shelf.now - waiting.since
      return this.#isDue(waiting.path, read, still)
        ? { content: { bytes: read.bytes, sha256: read.sha256 }, sha256: read.sha256 }
        : this.#later(waiting)
    } catch (error) {
      if (stood < patienceMs) return this.#later(waiting)
      return this.#unreadable(waiting, `The file cannot be read: ${plainWords(error)}.`)
    }
  }

  /** Whether a file that stood still for `still` ms goes as it is. */
  #isDue(path: string, { lacks, closed }: Read, still: number): boolean {
    const { glanceMs, settleMs, patienceMs } = this.shelf.pace
    if (lacks !== null) return still >= patienceMs
    // Under a used name somebody may be writing over the former scan, whose end is still there.
    return still >= (closed && this.shelf.ledger.get(path) === undefined ? glanceMs : settleMs)
  }

  /** How long a file has held what it holds now, ms. */
  #held(waiting: Waiting, { sha256 }: Read): number {
    if (waiting.held?.sha256 !== sha256) waiting.held = { sha256, since: this.shelf.now }
    return this.shelf.now - waiting.held.since
  }

  #later(waiting: Waiting): 'later' {
    const { settleMs } = this.shelf.pace
    // Not sooner than it has stood still for the usual time; then again and again.
    waiting.retryAt = Math.max(waiting.since + settleMs, this.shelf.now + settleMs / 2)
    return 'later'
  }

  /** `stamp` tells one unreadable file from the next under the same name, also after a restart. */
  #unreadable({ look }: Waiting, unreadable: string): Taken {
    return { content: look === null ? { unreadable } : { unreadable, stamp: `${look.size}:${look.modified}` }, sha256: null }
  }

  /** The very file that was handed over under another name, which is free now. */
  async #wasRenamed({ path, look }: Waiting, sha256: string): Promise<boolean> {
    const { ledger, root } = this.shelf
    if (look === null) return false
    for (const former of ledger.formerNames(path, look, sha256, root.look?.keepsBirth === true))
      if ((await lookAt(former, null).catch(() => null)) === 'gone') return true
    return false
  }

  /** Reports the next loss that is due. `sweep`: asks for a look at everything first. */
  async reportLost(sweep: () => void): Promise<boolean> {
    const { losses, now, pace, ended } = this.shelf
    const loss = losses.next(now, pace.settleMs)
    if (loss === null) return false
    if (ended <= loss.sweep) {
      sweep()
      return true
    }
    const { path, look, why } = loss
    const stamp = look === null ? {} : { stamp: `${look.size}:${look.modified}` }
    if (
      !this.#isElsewhere(loss) &&
      !(await this.handover.give({ lane: this.lane, path, content: { unreadable: why, ...stamp } }))
    )
      return false
    losses.done(loss)
    return true
  }

  /** A file that only got another name is not lost. */
  #isElsewhere({ path, look }: Loss): boolean {
    const { settling, ledger, sorting, root } = this.shelf
    if (look === null) return false
    const keepsBirth = root.look?.keepsBirth === true
    return settling.has(look, keepsBirth) || sorting.has(look, keepsBirth) || ledger.hasElsewhere(path, look)
  }

  /** Looks again into one file that was handed over before the last start: one that was written over without a trace is a new bag. */
  async checkRemembered(): Promise<boolean> {
    const { shelf } = this
    const path = shelf.settling.size === 0 && shelf.now >= this.#memoryAt ? shelf.remembered.pop() : undefined
    const known = path === undefined ? undefined : shelf.ledger.get(path)
    if (path === undefined || known?.look == null) return path !== undefined
    const from = shelf.now
    try {
      const read = await readScan(known.at, known.look)
      if (typeof read !== 'string' && (read.sha256 === known.sha256 || read.lacks === null)) {
        const { bytes, sha256 } = read
        // Also where it is as it was: a log that was restored from an older copy may not know it.
        if (!(await this.handover.give({ lane: this.lane, path, content: { bytes, sha256 } }, sha256 === known.sha256)))
          shelf.remembered.push(path)
        else shelf.ledger.set(path, { ...known, sha256 })
      }
    } catch {
      // Unreadable now: it was handed over once, and a change of its look brings it back.
    }
    this.#memoryAt = shelf.now + (MEMORY_SHARE - 1) * (shelf.now - from)
    return true
  }

  /** Elapsed ms at which there is something to do. */
  dueAt(): number {
    const { settling, losses, remembered, pace } = this.shelf
    return Math.min(
      settling.dueAt(),
      losses.dueAt(pace.settleMs),
      remembered.length > 0 && settling.size === 0 ? this.#memoryAt : Infinity,
    )
  }
}
