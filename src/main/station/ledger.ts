// The ledger: every bag's one verdict is written down here, or shown as unscreenable until it can be.
import { mapClasses } from '../../shared/classes'
import type { Bag } from '../../shared/bag'
import { NotFound, Refused } from './errors'
import { unscreenable } from './judging'
import type { BagLog, Clock, ContentKey, Say, ScoredBag, ScreenedRecord } from './ports'
import { plainReason } from './reasons'
import type { Teller } from './teller'
import type { Troubles } from './troubles'
import type { Unlogged } from './unlogged'

export interface LedgerStage {
  log: Pick<BagLog, 'finish' | 'receive' | 'get' | 'recent' | 'unfinished'>
  clock: Clock
  unlogged: Unlogged
  troubles: Pick<Troubles, 'raise' | 'over'>
  teller: Pick<Teller, 'tell' | 'tellStored'>
  say: Say
  /** a bag was scored and is in the log; must not throw */
  scored(bag: ScoredBag): void
  /** a bag was written down as clear */
  clear(): void
}

export class Ledger {
  constructor(private readonly stage: LedgerStage) {}

  /** Writes the verdict down; never throws. What cannot be written becomes unscreenable, on the screen at least. */
  finish(id: number, record: ScreenedRecord): void {
    const { log, teller, unlogged, clock } = this.stage
    try {
      const bag = log.finish(id, record)
      this.settle()
      this.#learn(bag, record)
      teller.tell(bag)
      if (bag.verdict === 'unscreenable')
        this.stage.say(`bag ${bag.id} (${bag.lane}, ${bag.fileName}) is unscreenable: ${bag.reason ?? ''}`, 'warn')
      if (record.verdict === 'clear') this.stage.clear()
    } catch (error) {
      const reason = `The verdict could not be written down: ${plainReason(error)}`
      const fallback = unscreenable(reason, clock.now())
      try {
        teller.tell(log.finish(id, fallback))
      } catch {
        unlogged.unwritten(id, fallback)
        this.#cannotWrite(error)
        teller.tellStored(id)
      }
    }
  }

  /** The database failed before the bag had a row: the operator sees it as unscreenable, and it is written down when that works again. */
  refused(arrival: { lane: string; path: string; content: ContentKey; kept: boolean; receivedAt: number }, error: unknown): void {
    const { path, receivedAt } = arrival
    const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1) || path
    const record = unscreenable(`The bag could not be logged: ${plainReason(error)}`, receivedAt)
    const bag = this.stage.unlogged.arrived(arrival, record, name)
    this.#cannotWrite(error)
    this.stage.teller.tell(bag)
  }

  /** Writes down what the log refused before, where it works again. */
  settle(): void {
    const { log, unlogged, troubles, teller } = this.stage
    try {
      for (const bag of unlogged.write(log)) teller.tell(bag)
      troubles.over('log')
    } catch {
      // tried again at the next bag or tick
    }
  }

  /** What a restart left, or these bags: those to be screened, oldest first. Those without bytes get their verdict here. Throws where the log can't be read. */
  unfinished(ids?: readonly number[]): { id: number; sha256: string }[] {
    const { log, clock } = this.stage
    const bags = ids?.flatMap((id) => log.get(id) ?? []).filter((bag) => bag.verdict === null) ?? log.unfinished()
    return bags.flatMap(({ id, sha256, hasScan }) => {
      if (sha256 !== null && hasScan) return [{ id, sha256 }]
      const why = sha256 === null ? 'The file could not be read.' : 'The scan could not be kept.'
      this.finish(id, unscreenable(why, clock.now()))
      return []
    })
  }

  /** Throws `NotFound`. */
  get(id: number): Bag {
    const { log, unlogged } = this.stage
    const bag = unlogged.get(id) ?? log.get(unlogged.idOf(id))
    if (!bag) throw new NotFound(`There is no bag ${id}.`)
    return bag
  }

  /** The row of a bag that people may act on: without one their decision could not be kept. Throws `Refused`. */
  rowOf(id: number): number {
    const { unlogged } = this.stage
    if (unlogged.get(id))
      throw new Refused('This bag could not be logged yet, so no decision on it can be kept. Inspect it by hand.')
    return unlogged.idOf(id)
  }

  /** Newest first, those that the log could not take on top. */
  recent(limit: number): Bag[] {
    return [...this.stage.unlogged.bags(), ...this.stage.log.recent(limit)].slice(0, limit)
  }

  #cannotWrite(error: unknown): void {
    this.stage.troubles.raise('log', `The log cannot be written: ${plainReason(error)} Treat every bag as an alarm.`)
  }

  /** What was screened is counted by drafts' replays and by drift. */
  #learn({ id, model }: Bag, { verdict, classes, statistics, screenedAt }: ScreenedRecord): void {
    if (!classes) return
    const fused = mapClasses((c) => classes[c].fused)
    const tiers = mapClasses((c) => classes[c].tier)
    this.stage.scored({ id, screenedAt, verdict, model, statistics, fused, tiers, outcome: null })
  }
}
