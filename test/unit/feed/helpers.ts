// Real folders and files for the feeds' tests, and a station's end that writes down what it is handed.
import { mkdtemp, rm, utimes, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { expect, vi } from 'vitest'
import type { FeedClock } from '../../../src/main/feed/clock'
import type { ArrivedScan, Submit } from '../../../src/main/station/ports'

export async function scratch(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'lanescope-feed-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Bytes that end as a JPEG does; `mark` makes them unique. */
export const jpeg = (mark: string): Buffer =>
  Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe0), Buffer.from(mark.padEnd(16)), Buffer.of(0xff, 0xd9)])

/** Writes a whole file; `age`: seconds since its last change. */
export async function put(path: string, bytes: Uint8Array, age?: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
  if (age !== undefined) {
    const when = new Date(Date.now() - age * 1000)
    await utimes(path, when, when)
  }
}

/** A submit that keeps every scan in order. */
export function recorder(): { submit: Submit; scans: ArrivedScan[]; names: () => string[] } {
  const scans: ArrivedScan[] = []
  return {
    scans,
    submit: (scan) => {
      scans.push(scan)
      return Promise.resolve('received')
    },
    names: () => scans.map(({ path }) => basename(path)),
  }
}

/** A clock that stands still until the test moves it: settling then hangs on no machine's speed. */
export function handClock(): FeedClock & { advance: (ms: number) => void } {
  let at = 1000
  const sleepers = new Set<{ due: number; wake: () => void }>()
  return {
    now: () => Date.now(),
    elapsed: () => at,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = {
          due: at + ms,
          wake: () => {
            sleepers.delete(sleeper)
            resolve()
          },
        }
        if (signal.aborted) resolve()
        else {
          sleepers.add(sleeper)
          signal.addEventListener('abort', sleeper.wake, { once: true })
        }
      }),
    advance: (ms) => {
      at += ms
      for (const sleeper of [...sleepers]) if (sleeper.due <= at) sleeper.wake()
    },
  }
}

export const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 20 })

/** Holds for `ms` of real time: for what must not happen. */
export async function stays(ms: number, check: () => void): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end) {
    check()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
export { expect }
