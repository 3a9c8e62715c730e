// What the station says of itself: counted from the log, with the parts that cost time kept for a moment.
import type { LaneStatus, StationStatus, Trouble } from '../../shared/status'
import { placeOf } from './place'
import type { Archive, BagLog, Clock, Inference, PolicyBook } from './ports'

const HOUR = 3_600_000
const DISK_EVERY_MS = 15_000
/** Bags whose time is in the median. */
const TIMED = 50
/** Less than this free, or than this share of the disk: low. */
const LOW_BYTES = 2 * 2 ** 30
const LOW_SHARE = 0.02

export interface StatusStage {
  log: Pick<BagLog, 'countSince'>
  policies: Pick<PolicyBook, 'isEmpty' | 'current'>
  inference: Pick<Inference, 'status'>
  archive: Pick<Archive, 'disk'>
  clock: Clock
  lanes: () => LaneStatus[]
  backlog: () => number
  troubles: () => Trouble[]
  drift: () => StationStatus['drift']
  record: () => StationStatus['record']
}

export class StatusDesk {
  readonly #times: number[] = []
  #disk: StationStatus['disk'] = null
  #diskAt = -Infinity
  readonly #startedAt: number

  constructor(private readonly stage: StatusStage) {
    this.#startedAt = stage.clock.now()
  }

  /** Takes note of a screened bag's time, ms. */
  took(ms: number): void {
    this.#times.push(ms)
    if (this.#times.length > TIMED) this.#times.shift()
  }

  /** Never rejects: what cannot be had is null or empty, and the log's failure is a trouble of its own. */
  async status(): Promise<StationStatus> {
    const { log, policies, inference, lanes, clock, backlog, troubles, drift, record } = this.stage
    const now = clock.now()
    const disk = await this.#diskNow(now)
    const unread: StationStatus['troubles'] = []
    const read = <T>(what: () => T, otherwise: T): T => {
      try {
        return what()
      } catch {
        // not grave by itself: a bag that can't be looked up is a trouble of the station's own, and that is
        unread.push({ text: 'The log cannot be read.', grave: false })
        return otherwise
      }
    }
    const nothing = { bags: 0, alarms: 0, advisories: 0, unscreenable: 0 }
    const today = read(() => log.countSince(new Date(now).setHours(0, 0, 0, 0)), nothing)
    const hour = read(() => log.countSince(now - HOUR), nothing)
    const policy = read(() => (policies.isEmpty() ? null : policies.current()), null)
    const promised = policy?.anyAlarm?.falseAlarmUpper95
    return {
      now,
      place: placeOf(),
      startedAt: this.#startedAt,
      lanes: lanes(),
      inference: inference.status(),
      backlog: backlog(),
      msPerBag: median(this.#times),
      today,
      policy: policy?.version ?? null,
      record: read(record, null),
      alarmRate: {
        lastHour: hour.bags === 0 ? null : (1000 * hour.alarms) / hour.bags,
        bags: hour.bags,
        promisedPer1000: promised === undefined ? null : 1000 * promised,
      },
      disk,
      troubles: [...troubles(), ...unread.slice(0, 1)],
      drift: drift(),
    }
  }

  async #diskNow(now: number): Promise<StationStatus['disk']> {
    if (Math.abs(now - this.#diskAt) < DISK_EVERY_MS) return this.#disk
    this.#diskAt = now
    this.#disk = await diskOf(this.stage.archive)
    return this.#disk
  }
}

async function diskOf(archive: StatusStage['archive']): Promise<StationStatus['disk']> {
  try {
    const { freeBytes, totalBytes } = await archive.disk()
    return { freeBytes, totalBytes, low: freeBytes < LOW_BYTES || freeBytes < LOW_SHARE * totalBytes }
  } catch {
    return null
  }
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low, high] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]]
  return low === undefined || high === undefined ? null : (low + high) / 2
}
