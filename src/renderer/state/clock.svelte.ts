// The time, ticking once a second: everything on the screens that ages reads it here.
export class Clock {
  now = $state(Date.now())
  readonly #timer: ReturnType<typeof setInterval>

  constructor() {
    this.#timer = setInterval(() => (this.now = Date.now()), 1000)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
