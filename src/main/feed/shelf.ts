// What a hot folder knows of its files, stage by stage; the stages' own rules stand in their own files.
import type { FeedClock } from './clock'
import { Ledger } from './ledger'
import { Losses } from './losses'
import type { Memory } from './memory'
import { Root } from './root'
import { Settling } from './settling'
import { Sorting } from './sorting'

export interface Pace {
  /** a file that its own format says is whole, under a new name, is handed over when it stood still this long */
  glanceMs: number
  /** any other file that lacks nothing, and one under a used name */
  settleMs: number
  /** a file that cannot be read, or that its format says is not whole, gets this long before it is handed over all the same */
  patienceMs: number
  /** an unfinished file is told of after this long */
  stuckMs: number
}

export class Shelf {
  readonly root = new Root()
  readonly sorting: Sorting
  readonly settling: Settling
  readonly ledger = new Ledger()
  readonly losses = new Losses()
  /** sweeps begun and ended */
  begun = 0
  ended = 0
  /** handed over before the last start: to be looked into again when nothing else is to do */
  remembered: string[] = []

  constructor(
    readonly pace: Pace,
    readonly clock: FeedClock,
    readonly memory: Memory,
  ) {
    this.sorting = new Sorting(pace.stuckMs)
    this.settling = new Settling(pace)
  }

  get now(): number {
    return this.clock.elapsed()
  }
  /** Nothing was ever seen here. */
  get unused(): boolean {
    return this.ledger.size === 0 && this.settling.size === 0
  }
}
