// Plays a folder of scans at a steady rate, as if the belt ran: the demo, training of operators, trials of a policy.
import { relative, resolve } from 'node:path'
import { LARGEST_FILE } from '../../shared/bridge'
import type { LaneStatus } from '../../shared/status'
import type { ArrivedScan, Feed, Submit } from '../station/ports'
import { systemClock, type FeedClock } from './clock'
import { byNaturalName } from '../../domain/scan/names'
import { plainWords } from '../../domain/scan/words'
import { kindOf } from '../files/kind'
import { lookAt } from '../files/look'
import { readScan } from '../files/read'
import { walk, type Found } from '../files/walk'

export interface ReplayOptions {
  lane: string
  directory: string
  /** bags an hour, > 0 */
  rate: number
  /** start over at the end; each round counts as new bags */
  loop?: boolean
  clock?: FeedClock
}

/**
 * Plays in natural order of names. Every play is a re-enactment, so its bags are new bags: the path handed over names the play
 * (`replay:<ISO time>/<absolute path>`), and the log never takes a replayed bag for the one that it replays.
 */
export class Replay implements Feed {
  readonly #o: Required<ReplayOptions>
  #state: LaneStatus['state'] = 'starting'
  #message: string | null = null
  #seen = 0
  #lastScanAt: number | null = null
  #stop = new AbortController()
  #loop: Promise<void> = Promise.resolve()

  constructor(options: ReplayOptions) {
    this.#o = { loop: false, clock: systemClock, ...options }
  }

  async start(submit: Submit): Promise<void> {
    const files = await this.#list()
    if (files === null) return
    this.#state = 'live'
    this.#loop = this.#run(files, submit)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
  }

  status(): LaneStatus {
    return {
      name: this.#o.lane,
      kind: 'replay',
      path: this.#o.directory,
      state: this.#state,
      message: this.#message,
      seen: this.#seen,
      lastScanAt: this.#lastScanAt,
    }
  }

  /** The folder's scans, or null with the reason in the lane's status. */
  async #list(): Promise<Found[] | null> {
    try {
      const { files, unreadable } = await walk(this.#o.directory)
      const scans: Found[] = []
      for (const file of files) if (await isScan(file)) scans.push(file)
      scans.sort((a, b) => byNaturalName(relative(this.#o.directory, a.path), relative(this.#o.directory, b.path)))
      if (scans.length > 0) {
        if (unreadable.length > 0) this.#message = `${unreadable.length} folder(s) cannot be read`
        return scans
      }
      this.#message = `There is no scan in ${this.#o.directory}`
    } catch (error) {
      this.#message = `The folder ${this.#o.directory} cannot be read: ${plainWords(error)}`
    }
    this.#state = 'error'
    return null
  }

  async #run(files: Found[], submit: Submit): Promise<void> {
    const { clock, rate, lane, loop } = this.#o
    const interval = 3_600_000 / rate
    let next = clock.elapsed()
    do {
      // The next round begins an interval after this one's last bag, like any bag.
      await clock.wait(next - clock.elapsed(), this.#stop.signal)
      const play = new Date(clock.now()).toISOString()
      for (const { path, at } of files) {
        await clock.wait(next - clock.elapsed(), this.#stop.signal)
        if (this.#stop.signal.aborted) return
        await this.#handOver({ lane, path: `replay:${play}${resolve(path)}`, content: await read(at) }, submit)
        // A station that falls behind sets the pace; a belt that stood does not race afterwards.
        next = Math.max(next + interval, clock.elapsed())
      }
    } while (loop && !this.#stop.signal.aborted)
    this.#state = 'done'
    this.#message = `All ${files.length} scans have been played`
  }

  /** Tries until the station takes the scan (its disk may be full for a while), or the replay is stopped. */
  async #handOver(scan: ArrivedScan, submit: Submit): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await submit(scan)
        this.#seen += 1
        this.#lastScanAt = this.#o.clock.now()
        if (this.#state === 'error') this.#message = null
        this.#state = 'live'
        return
      } catch (error) {
        this.#state = 'error'
        this.#message = `Scans are waiting: ${error instanceof Error ? error.message : String(error)}`
        await this.#o.clock.wait(2000, this.#stop.signal)
      }
    }
  }
}

async function isScan(file: Found): Promise<boolean> {
  const look = await lookAt(file.at, null).catch(() => null)
  return look === null || (typeof look !== 'string' && (await kindOf(file, look.size)) === 'scan')
}

async function read(at: string | Buffer): Promise<ArrivedScan['content']> {
  try {
    const look = await lookAt(at, null)
    if (typeof look !== 'string' && look.size > LARGEST_FILE)
      return { unreadable: `The file is larger than ${LARGEST_FILE / 2 ** 20} MB.` }
    const found = typeof look === 'string' ? 'gone' : await readScan(at, look)
    if (found === 'gone') return { unreadable: 'The file was deleted before it could be read.' }
    if (found === 'changed') return { unreadable: 'The file changed while it was read.' }
    return { bytes: found.bytes, sha256: found.sha256 }
  } catch (error) {
    return { unreadable: `The file cannot be read: ${plainWords(error)}.` }
  }
}
