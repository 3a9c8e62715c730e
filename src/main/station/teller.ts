// The teller: what every screen hears, bags as they must be seen and the status once a second where it changed.
import type { Bag } from '../../shared/bag'
import type { StationEvent } from '../../shared/contract'
import type { StationStatus } from '../../shared/status'
import { Events } from './events'
import type { Images } from './images'
import type { BagLog, Say } from './ports'
import { plainReason } from './reasons'
import type { Unlogged } from './unlogged'

/** Without a change the status is told this often, so that a screen knows that the station lives, ms. */
const HEARTBEAT_MS = 5000
/** Free disk space is a change by steps of this, bytes. */
const DISK_STEP = 2 ** 26

export interface TellerStage {
  log: Pick<BagLog, 'get'>
  images: Pick<Images, 'hasHeatmap'>
  unlogged: Pick<Unlogged, 'overlay'>
  status: () => Promise<StationStatus>
  say: Say
}

export class Teller {
  readonly #events = new Events()
  #toldAt = -Infinity
  #toldStatus = ''

  constructor(private readonly stage: TellerStage) {}

  /** A bag as the screens must see it: with an unwritten verdict, and with a heatmap where one can be had. */
  shown(bag: Bag): Bag {
    const seen = this.stage.unlogged.overlay(bag)
    return seen.hasHeatmap || !this.stage.images.hasHeatmap(seen) ? seen : { ...seen, hasHeatmap: true }
  }

  /** Tells of a bag; returns what was told. */
  tell(bag: Bag): Bag {
    const shown = this.shown(bag)
    this.#events.emit({ type: 'bag', bag: shown })
    return shown
  }

  /** Tells of a bag as it is in the log. Telling is no step on a bag's way: a log that can't be read here stops nothing. */
  tellStored(id: number): void {
    try {
      const bag = this.stage.log.get(id)
      if (bag) this.tell(bag)
    } catch (error) {
      this.stage.say(`bag ${id}: ${plainReason(error)}`, 'error')
    }
  }

  tellPolicy(version: number): void {
    this.#events.emit({ type: 'policy', version })
  }

  /** Tells the status where it changed, or a heartbeat is due. Never rejects. */
  async tellStatus(): Promise<void> {
    if (this.#events.audience === 0) return
    let status: StationStatus
    try {
      status = await this.stage.status()
    } catch (error) {
      this.stage.say(`status: ${plainReason(error)}`, 'error')
      return
    }
    const { disk } = status
    const comparable = JSON.stringify({
      ...status,
      now: 0,
      disk: disk && { ...disk, freeBytes: Math.floor(disk.freeBytes / DISK_STEP) },
    })
    if (comparable === this.#toldStatus && status.now - this.#toldAt < HEARTBEAT_MS) return
    this.#toldStatus = comparable
    this.#toldAt = status.now
    this.#events.emit({ type: 'status', status })
  }

  /** Everything that changes, from now on; first the current status. */
  events(signal?: AbortSignal): AsyncGenerator<StationEvent, void, undefined> {
    return this.#events.subscribe(async () => ({ type: 'status', status: await this.stage.status() }), signal)
  }

  close(): void {
    this.#events.close()
  }
}
