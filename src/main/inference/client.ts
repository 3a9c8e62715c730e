// The station's side of inference: a pool of processes, one scan each, oldest first; restart with backoff and a cap; status.
//
// Why one at a time in each: a death or a hang then concerns exactly one scan, and the others wait here, safe, for the next free process.
import { availableParallelism, totalmem } from 'node:os'
import { modelName } from '../../domain/first-policy'
import type { Point } from '../../shared/bag'
import type { PerClass } from '../../shared/classes'
import type { ModelManifest } from '../../shared/manifest'
import type { InferenceStatus } from '../../shared/status'
import type { Inference, NetworkOutput, Renditions, ScreenResult } from '../station/ports'
import type { Opened, OpenRequest, Spawn, Work } from './protocol'
import { Worker, type Answer } from './worker'

/** The inference room as composition roots see it: the station's ports, and pictures made where a bad file can do no harm. */
export interface InferenceRoom extends Inference, Renditions {
  /** Tile `tile` of a heatmap sheet laid over its scan, as PNG. Rejects with a plain reason. */
  overlay(bytes: Uint8Array, heatmap: Uint8Array, tile: number): Promise<Uint8Array>
  /** Where each class points by the paper's rule (5.3), in fractions of the scan, which is looked at again. Rejects with a plain reason. */
  peaks(bytes: Uint8Array): Promise<PerClass<Point>>
}

export interface ClientOptions {
  spawn: Spawn
  manifest: ModelManifest
  /** absolute path of the manifest's ONNX file */
  modelPath: string
  /** processes that share the work on a CPU; default: `processesHere()` */
  processes?: number
  /** try WebGPU where CUDA is missing; default: the environment's LANESCOPE_WEBGPU is 1 */
  webgpu?: boolean
  /** ms that a job, and the opening of the model, may take; default 30 s and 60 s */
  jobTimeout?: number
  openTimeout?: number
  /** first and longest pause before a restart, ms; default 200 and 10,000 */
  firstPause?: number
  longestPause?: number
  /** deaths in a row for each process, without a finished job between them, after which the state is `failed`; default 5 */
  mostDeaths?: number
  /** ms after which a failed process is tried again; default 60,000 */
  tryAgain?: number
  /** one line for the log file about every start and death */
  log?: (line: string) => void
}

interface Job {
  work: Work
  answer: (answer: Answer) => void
}

/** Memory that a process may come to need, bytes: a scan of 50 megapixels, the network and libraries. */
const MEMORY_EACH = 1024 ** 3

/** As many processes as cores, and no more than the memory holds. */
export function processesHere(): number {
  const limit = process.constrainedMemory()
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem()
  return Math.max(1, Math.min(availableParallelism(), Math.floor(memory / MEMORY_EACH)))
}

const STOPPING = 'The program is stopping.'

class Pool implements InferenceRoom {
  readonly manifest: ModelManifest
  readonly atOnce: number
  readonly #options: Required<Omit<ClientOptions, 'manifest'>>
  readonly #listeners = new Set<(status: InferenceStatus) => void>()
  /** The picture of the bag that a person has before them goes before everything: behind a burst it would be a black screen for minutes. */
  readonly #shown: Job[] = []
  /** screens go before small pictures: an operator can wait for a thumbnail, the belt can't wait for anything */
  readonly #screens: Job[] = []
  /** the last asked for first: what was asked before has probably scrolled away */
  readonly #pictures: Job[] = []
  /** one at first: it finds out what runs here. The others follow it on a CPU; a graphics card gets one session. */
  readonly #workers: Worker[] = []
  #deaths = 0
  /** why the graphics card is left alone for the rest of this run; null while it may be tried */
  #cpuOnly: string | null = null
  readonly #pauses = new Map<Worker, NodeJS.Timeout>()
  #stopped = false
  #status: InferenceStatus

  constructor({ manifest, ...options }: ClientOptions) {
    this.manifest = manifest
    this.#options = {
      processes: processesHere(),
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
    this.atOnce = this.#options.processes
    this.#status = {
      state: 'starting',
      provider: null,
      providerNote: null,
      model: modelName(manifest),
      restarts: 0,
      message: null,
    }
    this.#start(this.#hire(), this.#cpuOnly)
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
    return this.#picture({ kind: 'heatmap', bytes }, this.#shown)
  }

  overlay(bytes: Uint8Array, heatmap: Uint8Array, tile: number): Promise<Uint8Array> {
    return this.#picture({ kind: 'overlay', bytes, heatmap, tile })
  }

  async peaks(bytes: Uint8Array): Promise<PerClass<Point>> {
    const answer = await this.#ask({ kind: 'peaks', bytes }, this.#screens)
    if (!answer.ok) throw new Error(answer.reason)
    return answer.value as PerClass<Point>
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
    for (const pause of this.#pauses.values()) clearTimeout(pause)
    await Promise.all(this.#workers.map((worker) => worker.stop(STOPPING)))
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

  /** Gives the oldest jobs to free processes. */
  #pump(): void {
    if (this.#stopped) return
    if (this.#status.state === 'failed') {
      this.#answerAll(this.#status.message ?? 'Inference is not running.', false)
      return
    }
    for (const worker of this.#workers) {
      if (!worker.free) continue
      const job = this.#shown.shift() ?? this.#screens.shift() ?? this.#pictures.pop()
      if (job === undefined) return
      worker.work(job.work, job.answer)
    }
  }

  /** A place for one more process. */
  #hire(): Worker {
    const worker: Worker = new Worker(this.#options, {
      opened: (opened) => this.#opened(opened),
      refused: (reason) => this.#refused(worker, reason),
      fell: (message, lived) => this.#fell(worker, message, lived),
      free: () => {
        this.#deaths = 0
        this.#pump()
      },
    })
    this.#workers.push(worker)
    return worker
  }

  #start(worker: Worker, cpuOnly: string | null): void {
    const { modelPath, webgpu, processes } = this.#options
    const open: OpenRequest = { kind: 'open', manifest: this.manifest, modelPath, webgpu, cpuOnly, alone: processes === 1 }
    worker.start(open)
  }

  #opened({ provider, note }: Opened): void {
    const { log, processes } = this.#options
    log(`inference: ${this.#status.model ?? 'model'} runs on ${provider}${note === null ? '' : ` (${note})`}`)
    const whole = this.#workers.every((worker) => worker.ready)
    this.#tell({ state: 'ready', provider, providerNote: note, message: whole ? null : this.#status.message })
    this.#pump()
    // The others need not try in vain what the first has tried.
    while (provider === 'cpu' && this.#workers.length < processes) this.#start(this.#hire(), note ?? 'the CPU was chosen before')
  }

  /** The model can't be opened. Where another process has it open, that one goes on; else every scan is unscreenable. */
  #refused(worker: Worker, reason: string): void {
    if (!this.#workers.some(({ ready }) => ready)) {
      this.#fail(reason)
      return
    }
    this.#options.log(`inference: one process less: ${reason}`)
    this.#tell({ message: reason })
    this.#later(worker, this.#options.tryAgain)
  }

  #fell(worker: Worker, message: string, lived: number): void {
    const { firstPause, longestPause, mostDeaths, tryAgain, log } = this.#options
    if (this.#stopped) return
    log(`inference: ${message}`)
    // One death after a long quiet life is not a loop.
    if (lived > tryAgain) this.#deaths = worker.deaths = 0
    this.#deaths += 1
    worker.deaths += 1
    // A graphics driver that takes the process down must not take the lane down: the CPU can do the work.
    if (this.#deaths >= 2 && this.#status.provider !== 'cpu')
      this.#cpuOnly ??= `graphics card set aside after ${this.#deaths} failures`
    if (this.#deaths >= mostDeaths * this.#workers.length) {
      this.#fail(`${message} It failed ${this.#deaths} times in a row.`)
      return
    }
    const restarts = this.#status.restarts + 1
    // The others go on: no bag waits for this one.
    if (this.#workers.some(({ ready }) => ready)) this.#tell({ restarts, message })
    else this.#tell({ state: 'restarting', provider: null, providerNote: null, restarts, message })
    this.#later(worker, Math.min(longestPause, firstPause * 2 ** (worker.deaths - 1)))
  }

  /** Every scan is unscreenable until a later try succeeds; the state stays `failed` while that try runs, so that no bag waits for it. */
  #fail(message: string): void {
    const { tryAgain, log } = this.#options
    log(`inference: ${message} Trying again in ${Math.round(tryAgain / 1000)} s.`)
    this.#tell({ state: 'failed', provider: null, providerNote: null, message })
    for (const pause of this.#pauses.values()) clearTimeout(pause)
    this.#pauses.clear()
    const [first] = this.#workers
    for (const worker of this.#workers.splice(0)) void worker.stop(message)
    this.#pump()
    if (first === undefined) return
    this.#workers.push(first)
    this.#later(first, tryAgain)
  }

  #later(worker: Worker, ms: number): void {
    if (this.#stopped) return
    const cpu = this.#status.provider === 'cpu' ? this.#status.providerNote : null
    const pause = setTimeout(() => {
      this.#pauses.delete(worker)
      this.#start(worker, this.#cpuOnly ?? cpu)
    }, ms)
    this.#pauses.set(worker, pause)
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

/** Starts the inference processes and keeps them running until `stop`. Returns at once; `status()` tells when the model is open. */
export function startInference(options: ClientOptions): InferenceRoom {
  return new Pool(options)
}
