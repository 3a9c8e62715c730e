// Scans that a person drops on the window: handed over one at a time, like any other lane's.
import type { DropAnswer } from '../../shared/bridge'
import type { LaneStatus } from '../../shared/status'
import type { ArrivedScan, Feed, Submit } from '../station/ports'
import { systemClock, type FeedClock } from './clock'

export class Dropped implements Feed {
  readonly #clock: FeedClock
  #submit: Submit | null = null
  #seen = 0
  #lastScanAt: number | null = null
  #queue: Promise<unknown> = Promise.resolve()

  constructor(clock: FeedClock = systemClock) {
    this.#clock = clock
  }

  start(submit: Submit): Promise<void> {
    this.#submit = submit
    return Promise.resolve()
  }

  /** Takes no more files; resolves when those in hand are committed. */
  async stop(): Promise<void> {
    this.#submit = null
    await this.#queue
  }

  /**
   * Hands over one file by name. Its path in the log is `dropped:/<name>`: a browser does not tell where a file came from.
   * Never rejects: what the station cannot take is answered as refused, with the reason.
   */
  drop(name: string, content: ArrivedScan['content']): Promise<DropAnswer> {
    const answer = this.#queue.then(async (): Promise<DropAnswer> => {
      if (!this.#submit) return { result: 'refused', why: 'The station is closing.' }
      try {
        const result = await this.#submit({ lane: 'dropped', path: `dropped:/${safeName(name)}`, content })
        this.#seen += 1
        this.#lastScanAt = this.#clock.now()
        return { result, why: 'unreadable' in content ? content.unreadable : null }
      } catch (error) {
        return { result: 'refused', why: error instanceof Error ? error.message : String(error) }
      }
    })
    this.#queue = answer
    return answer
  }

  status(): LaneStatus {
    return {
      name: 'dropped',
      kind: 'dropped',
      path: '',
      state: this.#submit ? 'live' : 'starting',
      message: null,
      seen: this.#seen,
      lastScanAt: this.#lastScanAt,
    }
  }
}

/** The name's last part without control characters, at most 200 characters. */
function safeName(name: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what must go
  const last = (name.split(/[/\\]/).pop() ?? '').replace(/[\u0000-\u001f\u007f]/g, '').slice(0, 200)
  return last === '' || last === '.' || last === '..' ? 'unnamed' : last
}
