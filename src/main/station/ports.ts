// What the station needs of the outer rooms: interfaces that store, inference and feed implement. The station imports nothing of them.
import type { Bag, BagFilter, BagOnScan, Decision, HistoryEntry, ImageStatistics, Outcome, Point, Region } from '../../shared/bag'
import type { PerClass, Tier, Verdict } from '../../shared/classes'
import type { ModelManifest } from '../../shared/manifest'
import type { Calibration, Policy } from '../../shared/policy'
import type { InferenceStatus, LaneStatus, StationStatus } from '../../shared/status'

export interface Clock {
  /** epoch ms */
  now(): number
}

/** One line for the program's own log; of level `info` where none is named. */
export type Say = (line: string, level?: 'info' | 'warn' | 'error') => void

// ---- feed -------------------------------------------------------------------------------------------------

/** A whole scan file that a feed found. Its bytes are read at once, so a later delete or rename harms nothing. */
export interface ArrivedScan {
  lane: string
  /** absolute path the scan came from */
  path: string
  /**
   * The file's bytes and their key (SHA-256, hex; worked out by the station where a feed has not), or why they could not be read (then the bag is unscreenable). `stamp` tells one unreadable file from the next at
   * the same path (its size and modification time); without it every arrival counts as a new bag, since a bag too many is better than one lost.
   */
  content: { bytes: Uint8Array; sha256?: string } | { unreadable: string; stamp?: string }
}

/**
 * Where a feed hands its scans. Resolves once the bag is committed as received (or known already);
 * the feed must not hand over the next scan of the lane before, so that order and back pressure hold.
 */
export type Submit = (scan: ArrivedScan) => Promise<'received' | 'known'>

export interface Feed {
  start(submit: Submit): Promise<void>
  status(): LaneStatus
  stop(): Promise<void>
}

// ---- inference --------------------------------------------------------------------------------------------

/** What the network says of one class: logits by level (finest first), their fusion, and where. */
export interface ClassOutput {
  logits: number[]
  fused: number
  /** fractions of the original */
  peak: Point
}
/** What the network says of one scan, before any policy. */
export interface NetworkOutput {
  width: number
  height: number
  /** of each class what the bag with the largest fused logit gave */
  classes: PerClass<ClassOutput>
  /** the bags on the scan, from left to right; at least one */
  bags: { box: Region; classes: PerClass<ClassOutput> }[]
  /**
   * Null where it was not wanted. Heatmaps as one 8-bit greyscale PNG: five tiles stacked vertically in class order, each covering the whole original image at its
   * aspect ratio (longest side ≤ 256 px), value = 255 · sigmoid(fused map), the largest of the looks at a place, 0 outside the bags.
   */
  heatmap: Uint8Array | null
  /** as `Renditions.thumbnail`; absent where it could not be made */
  thumbnail?: Uint8Array
  statistics: ImageStatistics
  provider: string
  ms: { decode: number; infer: number; total: number }
}
/** `retry` is true when the process died or hung (the bag may be tried once more), false when the scan itself is bad. */
export type ScreenResult = { ok: true; output: NetworkOutput } | { ok: false; reason: string; retry: boolean }

export interface Inference {
  /** scans that it works on at a time; 1 where it does not say */
  readonly atOnce?: number
  /** Never rejects. `bytes` are the file's bytes as they arrived. The heatmap is made where a class's fused logit reaches `heatFrom`; without it never. */
  screen(bytes: Uint8Array, heatFrom?: PerClass<number>): Promise<ScreenResult>
  status(): InferenceStatus
  onStatus(listener: (status: InferenceStatus) => void): () => void
  manifest: ModelManifest
  stop(): Promise<void>
}

// ---- store ------------------------------------------------------------------------------------------------

export interface ScreenedRecord {
  verdict: Verdict
  reason: string | null
  width: number | null
  height: number | null
  classes: Bag['classes']
  /** the bags on the scan; absent of one that is unscreenable */
  bags?: BagOnScan[]
  statistics: ImageStatistics | null
  model: string | null
  policy: number | null
  provider: string | null
  ms: Bag['ms']
  screenedAt: number
  /** the archived heatmap sheet's SHA-256; null when it was not archived */
  heatmap: string | null
}

/** What tells one scan from another: its SHA-256, or, of a file that could not be read, its stamp. */
export type ContentKey = { sha256: string } | { unreadable: string }

/** The log of bags. Every method is synchronous and durable when it returns (SQLite, WAL, synchronous = FULL). */
export interface BagLog {
  /** Whether this content from this lane and path has a row already. */
  knows(lane: string, path: string, content: ContentKey): boolean
  /** Inserts a received bag, or returns the known one (same lane, path and content). `kept`: its bytes are in the archive. */
  receive(bag: { lane: string; path: string; content: ContentKey; kept: boolean; receivedAt: number }): {
    id: number
    isNew: boolean
  }
  /** Bags received but never screened, oldest first: what a restart must finish. */
  unfinished(): Bag[]
  /** Gives a bag its one verdict. A bag that has one keeps it: the first is returned unchanged. */
  finish(id: number, record: ScreenedRecord): Bag
  /** SHA-256 of a bag's archived scan and heatmap; null where there is none (or no more). */
  images(id: number): { scan: string | null; heatmap: string | null } | null
  get(id: number): Bag | null
  /** Newest first. */
  recent(limit: number): Bag[]
  search(filter: BagFilter, before: number | undefined, limit: number): { bags: Bag[]; next: number | null; total: number }
  history(id: number): HistoryEntry[]
  decide(id: number, decision: Decision): Bag
  review(id: number, outcome: Outcome): Bag
  countSince(from: number): StationStatus['today']
  /** Fused logits, statistics and outcome of the newest screened bags, newest first, for replaying drafts and for drift. */
  lastScores(limit: number): ScoredBag[]
}
export interface ScoredBag {
  id: number
  screenedAt: number
  fused: PerClass<number>
  tiers: PerClass<Tier>
  verdict: Verdict
  /** `name@version` of the network that scored it */
  model: string | null
  statistics: ImageStatistics | null
  outcome: Outcome | null
}

/** Bytes by content (SHA-256). Flagged bags' scans and heatmaps stay; clear bags' scans are let go after a while. */
export interface Archive {
  /** Durable when it returns. Throws with a plain reason, e.g. a full disk. `sha256` is the bytes' own where it is known already. */
  put(bytes: Uint8Array, extension: string, sha256?: string): Promise<string>
  get(sha256: string): Promise<Uint8Array | null>
  /** Lets clear bags' scans beyond the newest `keep` go. */
  letGo(keep: number): Promise<number>
  disk(): Promise<{ freeBytes: number; totalBytes: number }>
}

/** The policy that should be in force is not the one that was entered in the record: it judges no bag. */
export class PolicyRefused extends Error {
  override name = 'PolicyRefused'
  constructor(
    readonly version: number,
    why: string,
  ) {
    super(`${why}: somebody has changed the database.`)
  }
}

export interface PolicyBook {
  /** true before the first start has made policy 1 */
  isEmpty(): boolean
  /** The newest version: the one in force. Throws when there is none, and PolicyRefused when it is not what was entered in the record. */
  current(): Policy
  get(version: number): Policy | null
  list(): Policy[]
  save(policy: Omit<Policy, 'version'>): Policy
  calibration(version: number): Calibration | null
  currentCalibration(): Calibration
  saveCalibration(calibration: Omit<Calibration, 'version'>): Calibration
}
/** Small named states that must survive a restart, e.g. a class's quantile sketch. */
export interface KeptState {
  load(name: string): Uint8Array | null
  save(name: string, state: Uint8Array): void
}

/** What a caretaker tells of: a record changed by somebody, damaged pages, scans that are gone, a backup that failed. */
export type CareTrouble = 'audit' | 'database' | 'missing' | 'backup'
/** What a caretaker asks of the lane. */
export interface CaredLane {
  raise(kind: CareTrouble, words: string): void
  over(kind: CareTrouble): void
  /** Whether no bag waits to be screened. */
  quiet(): boolean
  /** Takes a scan that was found in the archive without a row. */
  submit: Submit
  /** Screens bags that were received and never finished. */
  finish(ids: readonly number[]): void
}
/** Looks after database, record, archive and backups beside the lane. */
export interface Caretaker {
  /** Where the record ends; null where it cannot be read. */
  head(): StationStatus['record']
  /** Begins to look after things; whatever it finds is told to the lane. */
  start(lane: CaredLane): void
  stop(): Promise<void>
}

// ---- images -----------------------------------------------------------------------------------------------

/** Pictures made from a scan's bytes, by the inference room (sharp). Both reject with a plain reason when the bytes can't be decoded. */
export interface Renditions {
  /** WebP, longest side ≤ 240 px */
  thumbnail(bytes: Uint8Array): Promise<Uint8Array>
  /** the heatmap sheet (see NetworkOutput) of a scan, made by looking at it again */
  heatmap(bytes: Uint8Array): Promise<Uint8Array>
  /** lossless PNG at full size of what the network saw: upright, without profile or transparency */
  lossless(bytes: Uint8Array): Promise<Uint8Array>
}

export const IMAGE_KINDS = ['scan', 'heatmap', 'thumb'] as const
export type ImageKind = (typeof IMAGE_KINDS)[number]
export interface BagImage {
  bytes: Uint8Array
  /** MIME type */
  type: string
}
/** A bag's pictures by id, for Electron's protocol and for HTTP alike. */
export interface ImageDesk {
  /** null when there is none (or no more). Never rejects on a bad id; rejects only when an archived file is damaged. */
  find(kind: ImageKind, id: number): Promise<BagImage | null>
  /** The same by URL path, e.g. `/scan/17`; null also when the path is none of ours. */
  at(path: string): Promise<BagImage | null>
}
