// Time as the feeds see it, injectable so that tests need not wait for real hours.

export interface FeedClock {
  /** epoch ms, for what people read */
  now(): number
  /** ms on a clock that never jumps, for intervals */
  elapsed(): number
  /** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: FeedClock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve()
        return
      }
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, Math.max(0, ms))
      signal.addEventListener('abort', done, { once: true })
    }),
}
