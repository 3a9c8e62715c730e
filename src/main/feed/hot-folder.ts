// A folder that a scanner writes to: every whole file in it is handed over once, oldest first, and none is lost.
//
// One loop does everything in turn (look, settle, read, hand over), so there is no race to reason about. Chokidar only wakes it early;
// what counts is the sweep, which also finds what happened while the folder was away or the watcher was deaf.
import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { LARGEST_FILE } from '../../shared/bridge'
import type { LaneStatus } from '../../shared/status'
import type { ArrivedScan, Feed, Submit } from '../station/ports'
import { systemClock, type FeedClock } from './clock'
import { byNaturalName, kindOf } from './names'
import { codeOf, fileStat, plainWords, walk, type Walked } from './walk'
import { nativeWatch, networkFileSystem, type Watch } from './watcher'
import { looksWhole } from './whole'

export interface HotFolderOptions {
  lane: string
  directory: string
  /** look every `pollMs` instead of trusting the system's change reports; chosen by itself on network file systems */
  polling?: boolean
  /** a file is whole when size and times stood still this long */
  settleMs?: number
  /** a file that cannot be read, or whose format's end is missing, gets this long before it is handed over all the same */
  patienceMs?: number
  /** time between full looks: while watching, and while polling or in trouble */
  sweepMs?: number
  pollMs?: number
  clock?: FeedClock
  watch?: Watch
}

/** A file seen but not handed over. */
interface Waiting {
  signature: string
  inode: number
  size: number
  modified: number
  /** elapsed ms at which this signature was first seen; -Infinity: renamed into place, whole at once */
  since: number
  /** elapsed ms before which there is no point in trying again */
  retryAt: number
}
/** A file that was seen and went before it was read. */
interface Lost {
  since: number
  /** number of the sweep under way or last begun: only a later one knows under which other name the file may be */
  sweep: number
  /** null: its name cannot be used to look for it */
  inode: number | null
  why: string
  stamp: string
}
/** A file handed over: how it looked and what it held (null: it could not be read). */
interface Done {
  signature: string
  inode: number
  sha256: string | null
  /** missing at the last sweep already; forgotten at the next */
  missing: boolean
}

/** Files whose state is asked for at once. */
const AT_ONCE = 32
/** A sweep takes at most one part in so many of the feed's time. */
const SWEEP_SHARE = 10

const shape = (s: Stats): string => `${String(s.size)}:${String(s.mtimeMs)}`
/** Tells one unreadable file from the next under the same name, also after a restart. */
const stampOf = (w: Waiting): string => `${String(w.size)}:${String(w.modified)}`
const signatureOf = (s: Stats): string => `${shape(s)}:${String(s.ctimeMs)}:${String(s.ino)}`

export class HotFolder implements Feed {
  readonly #o: Required<HotFolderOptions>
  readonly #waiting = new Map<string, Waiting>()
  readonly #done = new Map<string, Done>()
  /** path last handed over for an inode: tells a rename from a new scan */
  readonly #byInode = new Map<number, string>()
  /** inode → shape of files under a temporary name */
  readonly #partial = new Map<number, string>()
  readonly #lost = new Map<string, Lost>()
  readonly #nudged = new Set<string>()
  /** what the sweep under way saw for the first time */
  readonly #fresh: Waiting[] = []
  #ready: string[] = []
  #sweepAt = -Infinity
  #sweepsBegun = 0
  #sweepsDone = 0
  /** the folder's own inode */
  #root = -1
  #others = 0
  #watcher: { close(): Promise<void> } | null = null
  #polling: string | null = null
  #away: string | null = null
  #unreadable: string[] = []
  #refused: string | null = null
  #refusedUntil = -Infinity
  #state: 'starting' | 'live' = 'starting'
  #seen = 0
  #lastScanAt: number | null = null
  #stop = new AbortController()
  #wake = new AbortController()
  #loop: Promise<void> = Promise.resolve()

  constructor(options: HotFolderOptions) {
    this.#o = {
      polling: false,
      settleMs: 1000,
      patienceMs: 5000,
      sweepMs: 15_000,
      pollMs: 1500,
      clock: systemClock,
      watch: nativeWatch,
      ...options,
    }
    if (this.#o.polling) this.#polling = 'asked to'
  }

  /** Begins to watch and returns after the first look; scans are handed over from then on. Never rejects for a missing folder. */
  async start(submit: Submit): Promise<void> {
    if (this.#polling === null) {
      const network = await networkFileSystem(this.#o.directory)
      if (network !== null) this.#polling = `the folder is on ${network}`
    }
    await this.#sweep()
    this.#loop = this.#run(submit)
  }

  /** Returns once the scan in hand, if any, has been taken by the station. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wake.abort()
    await this.#loop
    await this.#unwatch()
  }

  status(): LaneStatus {
    const trouble = [this.#away, this.#refused, ...this.#unreadable].filter((line) => line !== null)
    const notes = [
      ...(this.#polling === null ? [] : [`looking every ${(this.#o.pollMs / 1000).toFixed(1)} s (${this.#polling})`]),
      ...(this.#others === 0 ? [] : [`${this.#others} file${this.#others === 1 ? '' : 's'} of other kinds ignored`]),
    ]
    const says = [...trouble, ...notes]
    return {
      name: this.#o.lane,
      kind: 'folder',
      path: this.#o.directory,
      state: trouble.length > 0 ? 'error' : this.#state,
      message: says.length > 0 ? says.join('; ') : null,
      seen: this.#seen,
      lastScanAt: this.#lastScanAt,
    }
  }

  get #elapsed(): number {
    return this.#o.clock.elapsed()
  }

  async #run(submit: Submit): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (this.#elapsed >= this.#sweepAt) await this.#sweep()
      const nudged = [...this.#nudged]
      this.#nudged.clear()
      for (const path of nudged) await this.#observe(path)
      const mayWork = this.#away === null && this.#elapsed >= this.#refusedUntil
      const worked = mayWork && ((await this.#takeNext(submit)) || (await this.#reportLost(submit)))
      if (!worked && this.#nudged.size === 0) await this.#rest()
    }
  }

  /** Sleeps until something can be due, or a nudge. */
  async #rest(): Promise<void> {
    let due = this.#sweepAt
    if (this.#away === null) {
      for (const w of this.#waiting.values()) due = Math.min(due, Math.max(w.since + this.#o.settleMs, w.retryAt))
      for (const l of this.#lost.values()) due = Math.min(due, l.since + this.#o.settleMs)
    }
    this.#wake = new AbortController()
    if (this.#nudged.size > 0 || this.#stop.signal.aborted) return
    // No sooner than the station may be asked again; but a sweep that is due may go ahead.
    due = Math.min(Math.max(due, this.#refusedUntil), this.#sweepAt)
    await this.#o.clock.wait(Math.max(5, due - this.#elapsed), this.#wake.signal)
  }

  #nudge(path: string | null): void {
    if (path === null) this.#sweepAt = -Infinity
    else this.#nudged.add(path)
    this.#wake.abort()
  }

  // ---- looking

  /** Looks at every file, notices what went, and keeps the watcher alive (or replaced by polling). */
  async #sweep(): Promise<void> {
    const sweep = ++this.#sweepsBegun
    const from = this.#elapsed
    const pause = this.#polling === null ? this.#o.sweepMs : this.#o.pollMs
    this.#sweepAt = from + pause
    let found: Walked
    try {
      found = await walk(this.#o.directory)
      const { ino } = await stat(this.#o.directory)
      // A watcher of a folder that went stays deaf when another of that name comes.
      if (ino !== this.#root) await this.#unwatch()
      this.#root = ino
    } catch (error) {
      this.#away = `The folder ${this.#o.directory} cannot be read: ${plainWords(error)}`
      this.#sweepAt = this.#elapsed + Math.min(this.#o.pollMs, this.#o.sweepMs)
      await this.#unwatch()
      return
    }
    this.#away = null
    this.#state = 'live'
    this.#unreadable = found.unreadable.map(({ path, why }) => `The folder ${path} cannot be read: ${why}`)
    this.#partial.clear()
    this.#others = 0
    for (let at = 0; at < found.files.length; at += AT_ONCE) {
      if (this.#stop.signal.aborted) return
      await Promise.all(found.files.slice(at, at + AT_ONCE).map((path) => this.#observe(path, true)))
    }
    // Those seen first in one look settle together, so that the oldest goes first; from its end, so that each stood still long enough.
    for (const waiting of this.#fresh.splice(0)) if (waiting.since >= from) waiting.since = this.#elapsed
    // Files below a folder that could not be read are not known to be gone.
    if (found.unreadable.length === 0) this.#forget(new Set(found.files))
    this.#sweepsDone = sweep
    if (this.#polling === null && this.#watcher === null) this.#startWatching()
    // A folder of a hundred thousand files (or a slow share) must not be looked at all the time. A nudge that came meanwhile counts.
    if (this.#sweepAt > from) this.#sweepAt = this.#elapsed + Math.max(pause, SWEEP_SHARE * (this.#elapsed - from))
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

  /** Takes note of how a file looks now. */
  async #observe(path: string, inSweep = false): Promise<void> {
    const kind = kindOf(path)
    if (kind === 'other' && inSweep) this.#others += 1
    if (kind === 'other') return
    let found: Stats | null
    try {
      found = await fileStat(path)
    } catch (error) {
      // It is there, but even its size is withheld: keep trying, then hand it over as unreadable.
      if (kind === 'scan')
        this.#keep(path, { signature: `stat:${codeOf(error)}`, inode: -1, size: 1, modified: 0 }, this.#elapsed, inSweep)
      return
    }
    if (found === null) {
      this.#gone(path, inSweep)
      return
    }
    if (kind === 'partial') {
      this.#partial.set(found.ino, shape(found))
      return
    }
    this.#lost.delete(path)
    const renamed = this.#partial.get(found.ino) === shape(found)
    this.#keep(
      path,
      { signature: signatureOf(found), inode: found.ino, size: found.size, modified: found.mtimeMs },
      renamed ? -Infinity : this.#elapsed,
      inSweep,
    )
  }

  #keep(path: string, look: Omit<Waiting, 'since' | 'retryAt'>, since: number, inSweep: boolean): void {
    const done = this.#done.get(path)
    if (done) done.missing = false
    if (done?.signature === look.signature) {
      this.#waiting.delete(path)
      return
    }
    if (this.#waiting.get(path)?.signature === look.signature) return
    const waiting = { ...look, since, retryAt: -Infinity }
    this.#waiting.set(path, waiting)
    if (inSweep) this.#fresh.push(waiting)
  }

  #gone(path: string, listed = false): void {
    const waiting = this.#waiting.get(path)
    this.#waiting.delete(path)
    if (waiting && waiting.size > 0)
      this.#lose(path, waiting.inode, 'The file was deleted before it could be read.', stampOf(waiting))
    // Listed but not to be found: its name is not valid text here, so nobody can open it. It is a bag all the same.
    else if (listed && kindOf(path) === 'scan' && path.includes('\uFFFD') && !this.#done.has(path) && !this.#lost.has(path))
      this.#lose(path, null, "The file's name is not valid text, so it cannot be opened.", 'name')
  }

  #lose(path: string, inode: number | null, why: string, stamp: string): void {
    this.#lost.set(path, { since: this.#elapsed, sweep: this.#sweepsBegun, inode, why, stamp })
  }

  #forget(present: Set<string>): void {
    for (const path of [...this.#waiting.keys()]) if (!present.has(path)) this.#gone(path)
    for (const [path, done] of this.#done) {
      if (present.has(path)) done.missing = false
      else if (!done.missing) done.missing = true
      else {
        this.#done.delete(path)
        if (this.#byInode.get(done.inode) === path) this.#byInode.delete(done.inode)
      }
    }
  }

  // ---- handing over

  /** Hands over the oldest file that is due; false when none is. */
  async #takeNext(submit: Submit): Promise<boolean> {
    const due = (w: Waiting | undefined): w is Waiting =>
      w !== undefined && this.#elapsed >= Math.max(w.since + this.#o.settleMs, w.retryAt)
    if (this.#ready.length === 0) {
      this.#ready = [...this.#waiting]
        .filter(([, w]) => due(w))
        .sort(([a, x], [b, y]) => y.modified - x.modified || byNaturalName(b, a))
        .map(([path]) => path)
    }
    for (let path = this.#ready.pop(); path !== undefined; path = this.#ready.pop()) {
      const waiting = this.#waiting.get(path)
      if (!due(waiting)) continue
      await this.#take(path, waiting, submit)
      return true
    }
    return false
  }

  async #take(path: string, waiting: Waiting, submit: Submit): Promise<void> {
    const quiet = Math.max(this.#elapsed - waiting.since, this.#o.clock.now() - waiting.modified)
    const impatient = quiet >= this.#o.patienceMs
    let content: ArrivedScan['content']
    try {
      if (waiting.size > LARGEST_FILE)
        content = { unreadable: `The file is larger than ${LARGEST_FILE / 2 ** 20} MB.`, stamp: stampOf(waiting) }
      else {
        const bytes = await readFile(path)
        const after = await fileStat(path)
        if (after === null || signatureOf(after) !== waiting.signature || bytes.length !== waiting.size) {
          await this.#observe(path)
          return
        }
        if (!looksWhole(bytes) && !impatient) {
          waiting.retryAt = this.#elapsed + this.#o.settleMs
          return
        }
        content = { bytes }
      }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') {
        this.#gone(path)
        return
      }
      if (this.#elapsed - waiting.since < this.#o.patienceMs) {
        waiting.retryAt = this.#elapsed + this.#o.settleMs
        return
      }
      content = { unreadable: `The file cannot be read: ${plainWords(error)}.`, stamp: stampOf(waiting) }
    }
    const sha256 = 'bytes' in content ? createHash('sha256').update(content.bytes).digest('hex') : null
    const known =
      sha256 !== null && (this.#done.get(path)?.sha256 === sha256 || (await this.#wasRenamed(path, waiting.inode, sha256)))
    if (!known && !(await this.#handOver({ lane: this.#o.lane, path, content }, submit))) {
      this.#ready = []
      return
    }
    this.#waiting.delete(path)
    this.#done.set(path, { signature: waiting.signature, inode: waiting.inode, sha256, missing: false })
    this.#byInode.set(waiting.inode, path)
  }

  /** The very file that was handed over under another name, which is free now. The content decides; inodes are used again. */
  async #wasRenamed(path: string, inode: number, sha256: string): Promise<boolean> {
    const former = this.#byInode.get(inode)
    if (former === undefined || former === path || this.#done.get(former)?.sha256 !== sha256) return false
    return (await fileStat(former).catch(() => undefined)) === null
  }

  /** Whether the path still names this inode (inodes are used again, so the map alone proves nothing). */
  async #isAt(path: string | undefined, inode: number): Promise<boolean> {
    if (path === undefined) return false
    return (await fileStat(path).catch(() => null))?.ino === inode
  }

  /** A file that was seen and went before it was read is a bag that nobody analysed; unless it only got another name. */
  async #reportLost(submit: Submit): Promise<boolean> {
    for (const [path, lost] of this.#lost) {
      if (this.#elapsed < lost.since + this.#o.settleMs) continue
      const { inode, why, stamp } = lost
      if (this.#sweepsDone <= lost.sweep) {
        this.#sweepAt = -Infinity
        return true
      }
      const elsewhere =
        inode !== null &&
        ([...this.#waiting.values()].some((w) => w.inode === inode) || (await this.#isAt(this.#byInode.get(inode), inode)))
      if (!elsewhere && !(await this.#handOver({ lane: this.#o.lane, path, content: { unreadable: why, stamp } }, submit)))
        return false
      this.#lost.delete(path)
      if (inode === null) this.#done.set(path, { signature: '', inode: -1, sha256: null, missing: false })
      return true
    }
    return false
  }

  /** False when the station could not take the scan (a full disk, say): it stays waiting and the lane says why. */
  async #handOver(scan: ArrivedScan, submit: Submit): Promise<boolean> {
    try {
      await submit(scan)
    } catch (error) {
      this.#refused = `Scans are waiting: ${error instanceof Error ? error.message : String(error)}`
      // All of the lane waits, not this scan alone: the oldest still goes first.
      this.#refusedUntil = this.#elapsed + this.#o.pollMs
      return false
    }
    this.#refused = null
    this.#seen += 1
    this.#lastScanAt = this.#o.clock.now()
    return true
  }
}
