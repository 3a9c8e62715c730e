// The station's side of the inference process: one job at a time, time-out, restart with backoff and a cap, status.
//
// Why one at a time: a death or a hang then concerns exactly one scan, and the others wait here, safe, for the next process.
import { modelName } from '../../domain/first-policy'
import type { PerClass } from '../../shared/classes'
import type { ModelManifest } from '../../shared/manifest'
import type { InferenceStatus } from '../../shared/status'
import type { Inference, NetworkOutput, Renditions, ScreenResult } from '../station/ports'
import type { InferenceProcess, Opened, OpenRequest, Reply, Spawn, Work } from './protocol'

/** The inference room as composition roots see it: the station's ports, and pictures made where a bad file can do no harm. */
export interface InferenceRoom extends Inference, Renditions {
  /** Tile `tile` of a heatmap sheet laid over its scan, as PNG. Rejects with a plain reason. */
  overlay(bytes: Uint8Array, heatmap: Uint8Array, tile: number): Promise<Uint8Array>
}

export interface ClientOptions {
  spawn: Spawn
  manifest: ModelManifest
  /** absolute path of the manifest's ONNX file */
  modelPath: string
  /** try WebGPU where CUDA is missing; default: the environment's LANESCOPE_WEBGPU is 1 */
  webgpu?: boolean
  /** ms that a job, and the opening of the model, may take; default 30 s and 60 s */
  jobTimeout?: number
  openTimeout?: number
  /** first and longest pause before a restart, ms; default 200 and 10,000 */
  firstPause?: number
  longestPause?: number
  /** deaths in a row, without a finished job between them, after which the state is `failed`; default 5 */
  mostDeaths?: number
  /** ms after which a failed process is tried again; default 60,000 */
  tryAgain?: number
  /** one line for the log file about every start and death */
  log?: (line: string) => void
}

type Answer = { ok: true; value: unknown } | { ok: false; reason: string; retry: boolean }
interface Job {
  work: Work
  answer: (answer: Answer) => void
}
interface Running {
  process: InferenceProcess
  ready: boolean
  readyAt: number
  current: { id: number; timer: NodeJS.Timeout; answer: (answer: Answer) => void } | null
}

const STOPPING = 'The program is stopping.'

class Client implements InferenceRoom {
  readonly manifest: ModelManifest
  readonly #options: Required<Omit<ClientOptions, 'manifest'>>
  readonly #listeners = new Set<(status: InferenceStatus) => void>()
  /** The picture of the bag that a person has before them goes before everything: behind a burst it would be a black screen for minutes. */
  readonly #shown: Job[] = []
  /** screens go before small pictures: an operator can wait for a thumbnail, the belt can't wait for anything */
  readonly #screens: Job[] = []
  /** the last asked for first: what was asked before has probably scrolled away */
  readonly #pictures: Job[] = []
  #running: Running | null = null
  #deaths = 0
  /** why the graphics card is left alone for the rest of this run; null while it may be tried */
  #cpuOnly: string | null = null
  #nextId = 1
  #pause: NodeJS.Timeout | null = null
  #stopped = false
  #status: InferenceStatus

  constructor({ manifest, ...options }: ClientOptions) {
    this.manifest = manifest
    this.#options = {
      webgpu: process.env['LANESCOPE_WEBGPU'] === '1',
      jobTimeout: 30_000,
      openTimeout: 60_000,
      firstPause: 200,
      longestPause: 10_000,
      mostDeaths: 5,
      tryAgain: 60_000,
      log: () => undefined,
      ...options,
    }
    this.#status = {
      state: 'starting',
      provider: null,
      providerNote: null,
      model: modelName(manifest),
      restarts: 0,
      message: null,
    }
    this.#start()
  }

  async screen(bytes: Uint8Array, heatFrom?: PerClass<number>): Promise<ScreenResult> {
    const answer = await this.#ask({ kind: 'screen', bytes, heatFrom: heatFrom ?? null }, this.#screens)
    return answer.ok ? { ok: true, output: answer.value as NetworkOutput } : answer
  }

  thumbnail(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#picture({ kind: 'thumbnail', bytes })
  }

  lossless(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#picture({ kind: 'lossless', bytes }, this.#shown)
  }

  heatmap(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#picture({ kind: 'heatmap', bytes })
  }

  overlay(bytes: Uint8Array, heatmap: Uint8Array, tile: number): Promise<Uint8Array> {
    return this.#picture({ kind: 'overlay', bytes, heatmap, tile })
  }

  status(): InferenceStatus {
    return this.#status
  }

  onStatus(listener: (status: InferenceStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Jobs not yet answered get `{ ok: false, retry: true }`: a station that stops leaves their bags unfinished for the next start. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    if (this.#pause !== null) clearTimeout(this.#pause)
    const running = this.#running
    this.#running = null
    if (running !== null) {
      const gone = new Promise<void>((resolve) => running.process.onExit(() => resolve()))
      running.process.kill()
      if (running.current !== null) {
        clearTimeout(running.current.timer)
        running.current.answer({ ok: false, reason: STOPPING, retry: true })
      }
      await gone
    }
    this.#answerAll(STOPPING, true)
  }

  async #picture(work: Work, queue = this.#pictures): Promise<Uint8Array> {
    const answer = await this.#ask(work, queue)
    if (!answer.ok) throw new Error(answer.reason)
    return answer.value as Uint8Array
  }

  #ask(work: Work, queue: Job[]): Promise<Answer> {
    return new Promise((resolve) => {
      if (this.#stopped) resolve({ ok: false, reason: STOPPING, retry: true })
      else {
        queue.push({ work, answer: resolve })
        this.#pump()
      }
    })
  }

  #pump(): void {
    if (this.#status.state === 'failed') {
      this.#answerAll(this.#status.message ?? 'Inference is not running.', false)
      return
    }
    const running = this.#running
    if (running === null || !running.ready || running.current !== null) return
    const job = this.#shown.shift() ?? this.#screens.shift() ?? this.#pictures.pop()
    if (job === undefined) return
    this.#send(running, job.work, this.#options.jobTimeout, (answer) => {
      // Whatever it said, it answered: a process that answers is not in a crash loop.
      if (answer.ok || !answer.retry) this.#deaths = 0
      job.answer(answer)
      this.#pump()
    })
  }

  #send(running: Running, work: Work | OpenRequest, timeout: number, answer: (answer: Answer) => void): void {
    const id = this.#nextId++
    const seconds = timeout >= 1000 ? `${Math.round(timeout / 1000)} s` : `${timeout} ms`
    const timer = setTimeout(() => this.#down(running, `it gave no answer within ${seconds}`), timeout)
    running.current = { id, timer, answer }
    try {
      running.process.postMessage({ id, ...work })
    } catch (error) {
      this.#down(running, error instanceof Error ? error.message : String(error))
    }
  }

  #start(): void {
    this.#pause = null
    const { manifest } = this
    const { spawn, modelPath, webgpu, openTimeout, log } = this.#options
    let process: InferenceProcess
    try {
      process = spawn()
    } catch (error) {
      this.#fallen(`The inference process does not start: ${error instanceof Error ? error.message : String(error)}`)
      return
    }
    const running: Running = { process, ready: false, readyAt: 0, current: null }
    this.#running = running
    process.onMessage((message) => {
      const { current } = running
      const reply = message as Reply | null
      if (running !== this.#running || reply === null || current?.id !== reply.id) return
      clearTimeout(current.timer)
      running.current = null
      current.answer(reply.ok ? reply : { ok: false, reason: reply.reason, retry: false })
    })
    process.onExit((why) => this.#down(running, why))
    this.#send(running, { kind: 'open', manifest, modelPath, webgpu, cpuOnly: this.#cpuOnly }, openTimeout, (answer) => {
      // A death while opening is dealt with in #down.
      if (running !== this.#running) return
      if (!answer.ok) {
        this.#running = null
        process.kill()
        this.#fail(answer.reason)
        return
      }
      const { provider, note } = answer.value as Opened
      running.ready = true
      running.readyAt = Date.now()
      log(`inference: ${this.#status.model ?? 'model'} runs on ${provider}${note === null ? '' : ` (${note})`}`)
      this.#tell({ state: 'ready', provider, providerNote: note, message: null })
      this.#pump()
    })
  }

  /** The process died or hangs. */
  #down(running: Running, why: string): void {
    if (running !== this.#running) return
    this.#running = null
    running.process.kill()
    // One death after a long quiet life is not a loop.
    if (running.ready && Date.now() - running.readyAt > this.#options.tryAgain) this.#deaths = 0
    const { current } = running
    running.current = null
    if (current !== null) clearTimeout(current.timer)
    this.#fallen(`The inference process failed: ${why}.`)
    current?.answer({ ok: false, reason: `The inference process failed while it had this scan: ${why}.`, retry: true })
  }

  #fallen(message: string): void {
    const { firstPause, longestPause, mostDeaths, log } = this.#options
    log(`inference: ${message}`)
    this.#deaths += 1
    // A graphics driver that takes the process down must not take the lane down: the CPU can do the work.
    if (this.#deaths >= 2 && this.#status.provider !== 'cpu')
      this.#cpuOnly ??= `graphics card set aside after ${this.#deaths} failures`
    if (this.#deaths >= mostDeaths) {
      this.#fail(`${message} It failed ${this.#deaths} times in a row.`)
      return
    }
    this.#tell({ state: 'restarting', provider: null, providerNote: null, restarts: this.#status.restarts + 1, message })
    this.#later(Math.min(longestPause, firstPause * 2 ** (this.#deaths - 1)))
  }

  /** Every scan is unscreenable until a later try succeeds; the state stays `failed` while that try runs, so that no bag waits for it. */
  #fail(message: string): void {
    const { tryAgain, log } = this.#options
    log(`inference: ${message} Trying again in ${Math.round(tryAgain / 1000)} s.`)
    this.#tell({ state: 'failed', provider: null, providerNote: null, message })
    this.#pump()
    this.#later(tryAgain)
  }

  #later(ms: number): void {
    if (!this.#stopped) this.#pause = setTimeout(() => this.#start(), ms)
  }

  #answerAll(reason: string, retry: boolean): void {
    const jobs = [...this.#shown.splice(0), ...this.#screens.splice(0), ...this.#pictures.splice(0)]
    for (const job of jobs) job.answer({ ok: false, reason, retry })
  }

  #tell(change: Partial<InferenceStatus>): void {
    this.#status = { ...this.#status, ...change }
    for (const listener of this.#listeners) listener(this.#status)
  }
}

/** Starts the inference process and keeps it running until `stop`. Returns at once; `status()` tells when the model is open. */
export function startInference(options: ClientOptions): InferenceRoom {
  return new Client(options)
}
