// What the station needs of the outer rooms: interfaces that store, inference and feed implement. The station imports nothing of them.
import type { Bag, BagFilter, Decision, HistoryEntry, ImageStatistics, Outcome, Point } from '../../shared/bag'
import type { PerClass, Tier, Verdict } from '../../shared/classes'
import type { ModelManifest } from '../../shared/manifest'
import type { Calibration, Policy } from '../../shared/policy'
import type { InferenceStatus, LaneStatus, StationStatus } from '../../shared/status'

export interface Clock {
  /** epoch ms */
  now(): number
}

// ---- feed -------------------------------------------------------------------------------------------------

/** A whole scan file that a feed found. Its bytes are read at once, so a later delete or rename harms nothing. */
export interface ArrivedScan {
  lane: string
  /** absolute path the scan came from */
  path: string
  /** the file's bytes, or why they could not be read (then the bag is unscreenable) */
  content: { bytes: Uint8Array } | { unreadable: string }
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

/** What the network says of one scan, before any policy. */
export interface NetworkOutput {
  width: number
  height: number
  classes: PerClass<{ logits: number[]; fused: number; peak: Point }>
  /**
   * Heatmaps as one 8-bit greyscale PNG: five tiles stacked vertically in class order, each covering the whole original image at its
   * aspect ratio (longest side ≤ 256 px), value = 255 · sigmoid(fused map), 0 outside the crop.
   */
  heatmap: Uint8Array
  statistics: ImageStatistics
  provider: string
  ms: { decode: number; infer: number; total: number }
}
/** `retry` is true when the process died or hung (the bag may be tried once more), false when the scan itself is bad. */
export type ScreenResult = { ok: true; output: NetworkOutput } | { ok: false; reason: string; retry: boolean }

export interface Inference {
  /** Never rejects. `bytes` are the file's bytes as they arrived. */
  screen(bytes: Uint8Array): Promise<ScreenResult>
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
  statistics: ImageStatistics | null
  model: string | null
  policy: number | null
  provider: string | null
  ms: Bag['ms']
  screenedAt: number
}

/** The log of bags. Every method is synchronous and durable when it returns (SQLite, WAL, synchronous = FULL). */
export interface BagLog {
  /** Inserts a received bag, or returns the known one (same lane path and content). */
  receive(bag: { lane: string; path: string; sha256: string | null; receivedAt: number }): { id: number; isNew: boolean }
  /** Bags received but never screened, oldest first: what a restart must finish. */
  unfinished(): Bag[]
  finish(id: number, record: ScreenedRecord): Bag
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
  statistics: ImageStatistics | null
  outcome: Outcome | null
}

/** Bytes by content (SHA-256). Flagged bags' scans and heatmaps stay; clear bags' scans are let go after a while. */
export interface Archive {
  /** Durable when it returns. Throws with a plain reason, e.g. a full disk. */
  put(bytes: Uint8Array, extension: string): Promise<string>
  get(sha256: string): Promise<Uint8Array | null>
  /** Lets clear bags' scans beyond the newest `keep` go. */
  letGo(keep: number): Promise<number>
  disk(): Promise<{ freeBytes: number; totalBytes: number }>
}

export interface PolicyBook {
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
