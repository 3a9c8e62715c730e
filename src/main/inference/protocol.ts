// What client and inference process say to each other: one request, one reply, by id.
import type { Point } from '../../shared/bag'
import type { PerClass } from '../../shared/classes'
import type { ModelManifest } from '../../shared/manifest'
import type { NetworkOutput } from '../station/ports'

/** Opens the session; always the first request. */
export interface OpenRequest {
  kind: 'open'
  manifest: ModelManifest
  /** absolute path of the ONNX file */
  modelPath: string
  /** whether to try the WebGPU provider too */
  webgpu: boolean
  /** why no other provider than the CPU may be tried; null: all may */
  cpuOnly: string | null
  /** whether it may use every core: else it is one of a pool, each with one thread */
  alone: boolean
}
/** The file's bytes as they arrived, to be screened; the heatmap sheet where a class's fused logit reaches `heatFrom`, with null never. */
export interface ScreenRequest {
  kind: 'screen'
  bytes: Uint8Array
  heatFrom: PerClass<number> | null
}
/** A picture to show: WebP of at most 240 px a side, a lossless PNG of what the network saw, or the heatmap sheet. */
export interface PictureRequest {
  kind: 'thumbnail' | 'lossless' | 'heatmap'
  bytes: Uint8Array
}
/** One class's heatmap laid over the scan, as PNG. */
export interface OverlayRequest {
  kind: 'overlay'
  bytes: Uint8Array
  /** the sheet of `NetworkOutput.heatmap` */
  heatmap: Uint8Array
  /** index of the class's tile, 0 at the top */
  tile: number
}
/** Where each class points by the paper's rule (5.3), of a scan to be looked at (again). */
export interface PeaksRequest {
  kind: 'peaks'
  bytes: Uint8Array
}
export type Work = ScreenRequest | PictureRequest | OverlayRequest | PeaksRequest
export type Request = { id: number } & (OpenRequest | Work)

/** Which provider runs, and why not a better one. */
export interface Opened {
  provider: string
  note: string | null
}
/** What the process answers: `value` by the request's kind. A reason is in plain words and about the scan (or, for `open`, the model). */
export type Reply = { id: number } & (
  { ok: true; value: Opened | NetworkOutput | Uint8Array | PerClass<Point> } | { ok: false; reason: string }
)

/**
 * A running inference process, however it was started (Electron's utilityProcess, Node's fork).
 * `kill` must be SIGKILL's strength: a stopped or hung process obeys nothing else.
 */
export interface InferenceProcess {
  /** for logs, and for tests that kill it */
  readonly pid?: number | undefined
  postMessage(message: Request): void
  onMessage(listener: (message: unknown) => void): void
  /** Called once when the process has ended (at once if it has already), with a few plain words on how. */
  onExit(listener: (why: string) => void): void
  kill(): void
}
export type Spawn = () => InferenceProcess
