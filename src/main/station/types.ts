// What a station is made from and what it offers: the signature that the composition roots build on.
import type { Bag, BagFilter, DecisionAction, Finding, HistoryEntry, OutcomeKind } from '../../shared/bag'
import type { StationEvent } from '../../shared/contract'
import type { LaneStatus, StationStatus } from '../../shared/status'
import type { Alarms } from './alarms'
import type {
  Archive,
  BagLog,
  Caretaker,
  Clock,
  ImageDesk,
  Inference,
  KeptState,
  PolicyBook,
  Renditions,
  Say,
  Submit,
} from './ports'

export interface StationOptions {
  log: BagLog
  archive: Archive
  policies: PolicyBook
  state: KeptState
  inference: Inference
  renditions: Renditions
  clock: Clock
  /** what the feeds say of themselves; asked for at every status */
  lanes?: () => LaneStatus[]
  /** how many of the newest clear bags keep their scan (default 200) */
  keepClear?: number
  /** how many received bags may wait before `submit` holds its feed back, after having received the scan (default 10,000) */
  queueLimit?: number
  /** the manifest's held-out scores file as text, when the model has one: what promises and the lane's proposal are made from */
  heldOutScores?: () => Promise<string | null>
  /** looks for tampering in the audit, once at the start */
  verifyAudit?: () => { ok: true } | { ok: false; brokenAt: number; why: string }
  /** looks after database, record and archive while the station runs */
  caretaker?: Caretaker
  say?: Say
}

export interface DecideInput {
  id: number
  action: DecisionAction
  person: string
  reason: string | null
  seconds: number | null
}
export interface ReviewInput {
  id: number
  kind: OutcomeKind
  found: Finding[]
  comment: string | null
  person: string
}

export interface Station {
  /** Takes a scan from a feed: see `Submit`. Never rejects while the station runs. */
  submit: Submit
  /** Makes the first policy if there is none, takes up what a restart left, and starts screening. Call before the feeds start. */
  start(): Promise<void>
  /** Stops after the bag in hand; bags still waiting stay `received` and are finished at the next start. */
  stop(): Promise<void>
  /** Resolves when no bag waits or is in hand. */
  idle(): Promise<void>
  images: ImageDesk
  status(): Promise<StationStatus>
  /** Everything that changes, from now on; first the current status. Ends when `signal` aborts or the station stops. */
  events(signal?: AbortSignal): AsyncGenerator<StationEvent, void, undefined>
  recent(limit: number): Bag[]
  /** Throws `NotFound`. */
  get(id: number): Bag
  search(filter: BagFilter, before: number | undefined, limit: number): { bags: Bag[]; next: number | null; total: number }
  /** Throws `NotFound`. */
  history(id: number): HistoryEntry[]
  /** Throws `NotFound` or `Refused`. */
  decide(input: DecideInput): Bag
  /** Throws `NotFound` or `Refused`. */
  review(input: ReviewInput): Bag
  readonly alarms: Alarms
}
