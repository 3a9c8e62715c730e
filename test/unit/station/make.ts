// A station over a real store, with inference faked where its process begins.
import { onTestFinished } from 'vitest'
import type { Archive, BagLog, Inference, NetworkOutput, Renditions, ScreenResult } from '../../../src/main/station/ports'
import { createStation } from '../../../src/main/station/station'
import type { Station, StationOptions } from '../../../src/main/station/types'
import { openStore, type Store } from '../../../src/main/store'
import { mapClasses } from '../../../src/shared/classes'
import type { StationEvent } from '../../../src/shared/contract'
import type { InferenceStatus } from '../../../src/shared/status'
import { manifest } from '../domain/manifest'
import { bytesOf, tempFolder } from '../store/make'

/** The network's answer with these fused logits; the test manifest's thresholds are advisory 1, alarm 4, and only what reaches one has its heat drawn. */
export function output(fused: Partial<Record<string, number>> = {}): NetworkOutput {
  const classes = mapClasses((c) => {
    const z = fused[c] ?? -3
    return { logits: [z - 1, z, z + 1], fused: z, peak: { x: 0.25, y: 0.75 } }
  })
  return {
    width: 640,
    height: 480,
    classes,
    bags: [{ box: { x: 0.1, y: 0.2, width: 0.8, height: 0.6 }, classes }],
    heatmap: Object.values(fused).some((z) => z !== undefined && z >= 1) ? bytesOf(`heatmap ${JSON.stringify(fused)}`) : null,
    statistics: { brightness: 150, background: 245, aspect: 1.5, bagShare: 0.5 },
    provider: 'cpu',
    ms: { decode: 1, infer: 2, total: 3 },
  }
}
export const ok = (fused: Partial<Record<string, number>> = {}): ScreenResult => ({ ok: true, output: output(fused) })
export const bad = (reason: string): ScreenResult => ({ ok: false, reason, retry: false })
export const died = (reason: string): ScreenResult => ({ ok: false, reason, retry: true })

type Answer = ScreenResult | Promise<ScreenResult>
/** Stands in for the inference process: answers by a scan's text. */
export class FakeInference implements Inference {
  readonly manifest
  /** texts of the scans asked for, in order */
  readonly asked: string[] = []
  answer: (text: string, time: number) => Answer = () => ok()
  #status: InferenceStatus = {
    state: 'ready',
    provider: 'cpu',
    providerNote: null,
    model: 'test-model@1',
    restarts: 0,
    message: null,
  }
  #listener: (status: InferenceStatus) => void = () => undefined

  constructor(change: Partial<typeof manifest> = {}) {
    this.manifest = { ...manifest, ...change }
  }
  async screen(bytes: Uint8Array): Promise<ScreenResult> {
    const text = new TextDecoder().decode(bytes)
    this.asked.push(text)
    return this.answer(text, this.asked.filter((t) => t === text).length)
  }
  status(): InferenceStatus {
    return this.#status
  }
  becomes(change: Partial<InferenceStatus>): void {
    this.#status = { ...this.#status, ...change }
    this.#listener(this.#status)
  }
  onStatus(listener: (status: InferenceStatus) => void): () => void {
    this.#listener = listener
    return () => (this.#listener = () => undefined)
  }
  stop(): Promise<void> {
    return Promise.resolve()
  }
}

export const renditions: Renditions = {
  thumbnail: (bytes) => Promise.resolve(bytesOf(`thumbnail of ${new TextDecoder().decode(bytes)}`)),
  heatmap: (bytes) => Promise.resolve(bytesOf(`heat of ${new TextDecoder().decode(bytes)}`)),
  lossless: (bytes) => Promise.resolve(bytesOf(`png of ${bytes.length} bytes`)),
}

export interface Made {
  station: Station
  store: Store
  inference: FakeInference
  folder: string
  clock: { at: number; now: () => number }
  /** what was said to the program's log */
  said: string[]
  /** hands a scan over as a feed does */
  scan: (name: string, text?: string, lane?: string) => Promise<'received' | 'known'>
  /** stops station and store, as an orderly end does */
  close: () => Promise<void>
}

export function makeStation(
  given: Partial<Omit<StationOptions, 'log' | 'archive'>> & {
    folder?: string
    fake?: FakeInference
    log?: (log: BagLog) => BagLog
    archive?: (archive: Archive) => Archive
  } = {},
): Made {
  const { folder = tempFolder(), fake: inference = new FakeInference(), log, archive, ...rest } = given
  const clock = { at: 1_800_000_000_000, now: () => (clock.at += 1) }
  const store = openStore({ folder, clock })
  const said: string[] = []
  const station = createStation({
    policies: store.policies,
    state: store.state,
    inference,
    renditions,
    verifyAudit: () => store.verifyAudit(),
    clock,
    say: (line) => said.push(line),
    ...rest,
    log: log?.(store.log) ?? store.log,
    archive: archive?.(store.archive) ?? store.archive,
  })
  let closed: Promise<void> | null = null
  const close = (): Promise<void> => (closed ??= station.stop().then(() => store.close()))
  onTestFinished(close)
  const scan: Made['scan'] = (name, text = `scan ${name}`, lane = 'north') =>
    station.submit({ lane, path: `/feed/${name}.png`, content: { bytes: bytesOf(text) } })
  return { station, store, inference, folder, clock, said, scan, close }
}

/** A port with some of its methods replaced. */
export function overlaid<T extends object>(port: T, methods: Partial<T>): T {
  return new Proxy(port, {
    get: (target, name) => {
      const own = methods[name as keyof T]
      if (own !== undefined) return own
      const value = target[name as keyof T]
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** An error as Node or SQLite gives it. */
export const coded = (code: string): Error => Object.assign(new Error(`${code}: the system's own words`), { code })

/** Collects what a station tells, from now on. */
export async function listen(station: Station): Promise<StationEvent[]> {
  const heard: StationEvent[] = []
  const events = station.events()
  const first = await events.next()
  if (!first.done) heard.push(first.value)
  void (async () => {
    for await (const event of events) heard.push(event)
  })()
  return heard
}
/** Lets pending promises run, so that what was told has been heard. */
export const heardAll = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A promise that the test settles. */
export function gate<T>(): { promise: Promise<T>; open: (value: T) => void } {
  let open: (value: T) => void = () => undefined
  const promise = new Promise<T>((resolve) => (open = resolve))
  return { promise, open }
}
