// A folder that a scanner writes to: every whole file in it is handed over once, oldest first, and none is lost.
//
// One loop does everything in turn (look, settle, read, hand over), so there is no race to reason about. Chokidar only wakes it early;
// what counts is the sweep, which also finds what happened while the folder was away or the watcher was deaf. The stages have files of their own:
// looking (what is there), sorting (what it is), settling (is it still being written), taking (read and hand over), losses (what went unread),
// ledger (what the station has), memory (what it had before the last start), root (is this still the same disk).
import type { LaneStatus } from '../../shared/status'
import { plainWords } from '../../domain/scan/words'
import type { Feed, Submit } from '../station/ports'
import { systemClock, type FeedClock } from './clock'
import { Handover } from './handover'
import { Looking } from './looking'
import { Memory } from './memory'
import { networkFileSystem } from './root'
import { Shelf, type Pace } from './shelf'
import { Taking } from './taking'
import { nativeWatch, type Watch } from './watcher'

export interface HotFolderOptions extends Partial<Pace> {
  lane: string
  directory: string
  /** look every `pollMs` instead of trusting the system's change reports; chosen by itself on network file systems */
  polling?: boolean
  /** time between full looks: while watching, and while polling or in trouble */
  sweepMs?: number
  pollMs?: number
  /** a file in which the feed remembers what it handed over, so that a restart takes new scans first; null: it remembers nothing */
  memory?: string | null
  clock?: FeedClock
  watch?: Watch
}

/** A sweep takes at most one part in so many of the feed's time. */
const SWEEP_SHARE = 10

export class HotFolder implements Feed {
  readonly #o: Required<HotFolderOptions>
  readonly #shelf: Shelf
  readonly #looking: Looking
  readonly #stop = new AbortController()
  readonly #nudged = new Set<string>()
  #wake = new AbortController()
  #handover: Handover | null = null
  #sweepAt = -Infinity
  #watcher: { close(): Promise<void> } | null = null
  /** why the feed polls; null while it watches */
  #polling: string | null = null
  #away: string | null = null
  #unreadable: string[] = []
  #state: 'starting' | 'live' = 'starting'
  #loop: Promise<void> = Promise.resolve()

  constructor(options: HotFolderOptions) {
    this.#o = {
      polling: false,
      glanceMs: 100,
      settleMs: 1000,
      patienceMs: 5000,
      stuckMs: 120_000,
      sweepMs: 15_000,
      pollMs: 1500,
      memory: null,
      clock: systemClock,
      watch: nativeWatch,
      ...options,
    }
    if (this.#o.polling) this.#polling = 'asked to'
    this.#shelf = new Shelf(this.#o, this.#o.clock, new Memory(this.#o.memory))
    this.#looking = new Looking(this.#o.directory, this.#shelf, this.#stop.signal)
  }

  /** Begins to watch and returns after the first look; scans are handed over from then on. Never rejects for a missing folder. */
  async start(submit: Submit): Promise<void> {
    if (this.#polling === null) {
      const network = await networkFileSystem(this.#o.directory)
      if (network !== null) this.#polling = `the folder is on ${network}`
    }
    await this.#shelf.memory.load()
    await this.#sweep()
    this.#handover = new Handover(submit, this.#o.clock, this.#o.pollMs)
    this.#loop = this.#run(this.#handover)
  }

  /** Returns once the scan in hand, if any, has been taken by the station. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wake.abort()
    await this.#loop
    await this.#unwatch()
    await this.#shelf.memory.close()
  }

  status(): LaneStatus {
    const { root, sorting, now } = this.#shelf
    const trouble = [this.#away, root.other, this.#handover?.refused ?? null, ...this.#unreadable, sorting.stuck(now)].filter(
      (line) => line !== null,
    )
    const left = sorting.leftAlone(now)
    const notes = [
      ...(this.#polling === null ? [] : [`looking every ${(this.#o.pollMs / 1000).toFixed(1)} s (${this.#polling})`]),
      ...(left.length === 0 ? [] : [`left alone: ${left.join(', ')}`]),
    ]
    const says = [...trouble, ...notes]
    return {
      name: this.#o.lane,
      kind: 'folder',
      path: this.#o.directory,
      state: trouble.length > 0 ? 'error' : this.#state,
      message: says.length > 0 ? says.join('; ') : null,
      seen: this.#handover?.seen ?? 0,
      lastScanAt: this.#handover?.lastScanAt ?? null,
    }
  }

  async #run(handover: Handover): Promise<void> {
    const taking = new Taking(this.#o.lane, this.#shelf, this.#looking, handover)
    while (!this.#stop.signal.aborted) {
      if (this.#shelf.now >= this.#sweepAt) await this.#sweep()
      const nudged = [...this.#nudged]
      this.#nudged.clear()
      for (const path of nudged) await this.#looking.nudged(path)
      const mayWork = this.#away === null && handover.open
      const worked =
        mayWork &&
        ((await taking.takeNext()) ||
          (await taking.reportLost(() => (this.#sweepAt = -Infinity))) ||
          (await taking.checkRemembered()))
      if (!worked && this.#nudged.size === 0) await this.#rest(this.#away === null ? taking.dueAt() : Infinity, handover)
    }
  }

  /** Sleeps until something can be due, or a nudge. */
  async #rest(due: number, { refusedUntil }: Handover): Promise<void> {
    this.#wake = new AbortController()
    if (this.#nudged.size > 0 || this.#stop.signal.aborted) return
    // No sooner than the station may be asked again; but a sweep that is due may go ahead.
    const until = Math.min(Math.max(due, refusedUntil), this.#sweepAt)
    await this.#o.clock.wait(Math.max(5, until - this.#shelf.now), this.#wake.signal)
  }

  #nudge(path: string | null): void {
    if (path === null) this.#sweepAt = -Infinity
    else this.#nudged.add(path)
    this.#wake.abort()
  }

  /** Looks at everything, and keeps the watcher alive (or replaced by polling). */
  async #sweep(): Promise<void> {
    const { pollMs, sweepMs } = this.#o
    const from = this.#shelf.now
    const pause = this.#polling === null ? sweepMs : pollMs
    this.#sweepAt = from + pause
    try {
      const { unreadable, moved } = await this.#looking.sweep()
      if (moved) await this.#unwatch()
      this.#unreadable = unreadable
    } catch (error) {
      this.#away = `The folder ${this.#o.directory} cannot be read: ${plainWords(error)}`
      this.#sweepAt = this.#shelf.now + Math.min(pollMs, sweepMs)
      await this.#unwatch()
      return
    }
    this.#away = null
    this.#state = 'live'
    if (this.#polling === null && this.#watcher === null && !this.#stop.signal.aborted) this.#startWatching()
    // A folder of a hundred thousand files (or a slow share) must not be looked at all the time. A nudge that came meanwhile counts.
    if (this.#sweepAt > from) this.#sweepAt = this.#shelf.now + Math.max(pause, SWEEP_SHARE * (this.#shelf.now - from))
  }

  #startWatching(): void {
    this.#watcher = this.#o.watch(this.#o.directory, {
      file: (path) => this.#nudge(path),
      everything: () => this.#nudge(null),
      failed: (why) => {
        this.#polling = why
        void this.#unwatch()
        this.#nudge(null)
      },
    })
  }

  async #unwatch(): Promise<void> {
    const watcher = this.#watcher
    this.#watcher = null
    await watcher?.close()
  }
}
