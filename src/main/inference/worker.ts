// One inference process of the pool: opens the model, does one job at a time, and says when it has died, hung or refused.
import type { InferenceProcess, Opened, OpenRequest, Reply, Spawn, Work } from './protocol'

/** `retry`: the process died or hung, so the job may be given to another. */
export type Answer = { ok: true; value: unknown } | { ok: false; reason: string; retry: boolean }

/** What the pool wants to hear of a process. */
export interface WorkerEvents {
  /** the model is open */
  opened(opened: Opened): void
  /** the model can't be opened, for this reason: no other try would help */
  refused(reason: string): void
  /** it died, hung or did not start, `lived` ms after it had opened the model (0: it never had); its job is answered with `retry` next */
  fell(message: string, lived: number): void
  /** it has answered a job, and takes the next */
  free(): void
}
export interface WorkerOptions {
  spawn: Spawn
  /** ms that a job, and the opening of the model, may take */
  jobTimeout: number
  openTimeout: number
}

interface Running {
  process: InferenceProcess
  ready: boolean
  readyAt: number
  current: { id: number; timer: NodeJS.Timeout; answer: (answer: Answer) => void } | null
}

export class Worker {
  #running: Running | null = null
  #nextId = 1
  /** deaths in a row, without a job answered between them */
  deaths = 0

  constructor(
    private readonly options: WorkerOptions,
    private readonly on: WorkerEvents,
  ) {}

  get ready(): boolean {
    return this.#running?.ready ?? false
  }
  /** Whether it can take a job at once. */
  get free(): boolean {
    return this.#running !== null && this.#running.ready && this.#running.current === null
  }

  /** Starts a process and has it open the model. Call where none runs. */
  start(open: OpenRequest): void {
    let process: InferenceProcess
    try {
      process = this.options.spawn()
    } catch (error) {
      this.on.fell(`The inference process does not start: ${error instanceof Error ? error.message : String(error)}`, 0)
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
    this.#send(running, open, this.options.openTimeout, (answer) => {
      // A death while opening is dealt with in #down.
      if (running !== this.#running) return
      if (answer.ok) {
        running.ready = true
        running.readyAt = Date.now()
        this.on.opened(answer.value as Opened)
      } else {
        this.#running = null
        process.kill()
        this.on.refused(answer.reason)
      }
    })
  }

  /** Gives it a job. Call where it is free. */
  work(work: Work, answer: (answer: Answer) => void): void {
    const running = this.#running
    if (running === null) {
      answer({ ok: false, reason: 'Inference is not running.', retry: true })
      return
    }
    this.#send(running, work, this.options.jobTimeout, (given) => {
      // Whatever it said, it answered: a process that answers is not in a crash loop.
      const answered = given.ok || !given.retry
      if (answered) this.deaths = 0
      answer(given)
      if (answered) this.on.free()
    })
  }

  /** Ends the process; a job in hand is answered with this reason and `retry`. Resolves when the process is gone. */
  async stop(reason: string): Promise<void> {
    const running = this.#running
    if (running === null) return
    this.#running = null
    const gone = new Promise<void>((resolve) => running.process.onExit(() => resolve()))
    running.process.kill()
    if (running.current !== null) {
      clearTimeout(running.current.timer)
      running.current.answer({ ok: false, reason, retry: true })
    }
    await gone
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

  /** The process died or hangs. */
  #down(running: Running, why: string): void {
    if (running !== this.#running) return
    this.#running = null
    running.process.kill()
    const { current } = running
    running.current = null
    if (current !== null) clearTimeout(current.timer)
    this.on.fell(`The inference process failed: ${why}.`, running.ready ? Date.now() - running.readyAt : 0)
    current?.answer({ ok: false, reason: `The inference process failed while it had this scan: ${why}.`, retry: true })
  }
}
