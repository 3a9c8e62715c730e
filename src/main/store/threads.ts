// Does chores in threads of their own, where the built entry of such a thread is at hand; else at once, on the caller's own loop.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { doChore, type Chore, type ChoreOptions, type Chores } from './chores'

/** The built entry beside the caller or (a shared chunk) in a folder above; null where it is not built. Pass `import.meta.dirname`. */
export function choreEntry(from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const entry = join(folder, 'chore-thread.js')
    if (existsSync(entry)) return entry
    if (dirname(folder) === folder) return null
  }
}

export class ChoreThreads {
  readonly #running = new Set<Worker>()

  constructor(
    private readonly entry: string | null,
    private readonly options: ChoreOptions,
  ) {}

  /** Rejects where the chore fails, or is given up because the station stops. */
  do<C extends Chore>(chore: C, upTo?: number): Promise<Chores[C]> {
    const options = { ...this.options, ...(upTo === undefined ? {} : { upTo }) }
    if (this.entry === null) return doChore(chore, options)
    const worker = new Worker(this.entry, { workerData: { chore, options }, execArgv: [] })
    worker.unref()
    this.#running.add(worker)
    return new Promise<Chores[C]>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('It was given up.')))
    }).finally(() => {
      this.#running.delete(worker)
    })
  }

  /** Gives up what is not done. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((worker) => worker.terminate()))
  }
}
