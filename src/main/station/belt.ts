// The belt: received bags that wait for their screening, oldest first. A long one holds the feeds back, each after the scan that it has just handed over.

/** Bags handed to inference beyond those that it works on: their bytes are read, and ready behind them. */
const READY = 1
/** Bags whose bytes stay in memory while they wait; the rest are read from the archive again. */
const BYTES_WAITING = 8

export interface WaitingBag {
  id: number
  sha256: string
  /** null: to be read from the archive */
  bytes: Uint8Array | null
}
/** Screens a bag to its verdict. Must not reject: a bag that nobody answers for would be lost. `stopping` tells whether the station stops. */
export type WorkOnBag = (bag: WaitingBag, stopping: () => boolean) => Promise<void>

export class Belt {
  readonly #waiting: WaitingBag[] = []
  #inHand = 0
  #running = false
  #stopping = false
  /** callers of `room` and of `rest` */
  #forRoom: (() => void)[] = []
  #forRest: (() => void)[] = []

  /** `limit`: bags that may wait before `room` makes callers wait. `atOnce`: bags that are worked on at a time. */
  constructor(
    private readonly limit: number,
    private readonly atOnce: number,
    private readonly work: WorkOnBag,
  ) {}

  /** Bags waiting or in hand. */
  get backlog(): number {
    return this.#waiting.length + this.#inHand
  }

  /** Throws when the station stops: what comes then stays with its feed. */
  mustRun(): void {
    if (this.#stopping) throw new Error('The station is stopping.')
  }

  /** Resolves once there is room for the next bag, or the station stops. */
  async room(): Promise<void> {
    while (this.#waiting.length > this.limit && !this.#stopping) await new Promise<void>((resolve) => this.#forRoom.push(resolve))
  }

  /** Puts a bag at the end; of its bytes only the first few bags' are held. */
  put(bag: WaitingBag): void {
    this.#waiting.push(this.#waiting.length < BYTES_WAITING ? bag : { ...bag, bytes: null })
    this.#move()
  }

  start(): void {
    this.#running = true
    this.#move()
  }

  /** Resolves when no bag waits or is in hand. */
  rest(): Promise<void> {
    return this.backlog === 0 ? Promise.resolve() : new Promise((resolve) => this.#forRest.push(resolve))
  }

  /** Hands no more bags out; resolves after those in hand. What waits stays `received`. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#move()
    if (this.#inHand > 0) await new Promise<void>((resolve) => this.#forRest.push(resolve))
  }

  #move(): void {
    while (this.#running && !this.#stopping && this.#inHand < this.atOnce + READY) {
      const next = this.#waiting.shift()
      if (!next) break
      this.#inHand += 1
      void this.work(next, () => this.#stopping).finally(() => {
        this.#inHand -= 1
        this.#move()
      })
    }
    if (this.#waiting.length <= this.limit || this.#stopping) wake(this.#forRoom)
    if (this.#inHand === 0 && (this.#waiting.length === 0 || this.#stopping)) wake(this.#forRest)
  }
}

function wake(sleepers: (() => void)[]): void {
  for (const one of sleepers.splice(0)) one()
}
