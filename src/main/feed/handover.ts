// The feed's end at the station: one scan at a time; while the station refuses, all of the lane waits, so that the oldest still goes first.
import type { ArrivedScan, Submit } from '../station/ports'
import type { FeedClock } from './clock'

export class Handover {
  seen = 0
  lastScanAt: number | null = null
  /** why scans wait; null while they don't */
  refused: string | null = null
  /** elapsed ms before which the station is not asked again */
  refusedUntil = -Infinity

  constructor(
    private readonly submit: Submit,
    private readonly clock: FeedClock,
    private readonly pauseMs: number,
  ) {}

  get open(): boolean {
    return this.clock.elapsed() >= this.refusedUntil
  }

  /** False when the station could not take the scan (a full disk, say): then it stays with the feed. `again`: it has been counted before. */
  async give(scan: ArrivedScan, again = false): Promise<boolean> {
    let answer: Awaited<ReturnType<Submit>>
    try {
      answer = await this.submit(scan)
    } catch (error) {
      this.refused = `Scans are waiting: ${error instanceof Error ? error.message : String(error)}`
      this.refusedUntil = this.clock.elapsed() + this.pauseMs
      return false
    }
    this.refused = null
    if (again && answer === 'known') return true
    this.seen += 1
    this.lastScanAt = this.clock.now()
    return true
  }
}
