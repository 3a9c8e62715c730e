// Real folders and files for the feeds' tests, and a station's end that writes down what it is handed.
import { mkdtemp, rm, utimes, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { vi } from 'vitest'
import type { FeedClock } from '../../../src/main/feed/clock'
import type { ArrivedScan, Submit } from '../../../src/main/station/ports'

export async function scratch(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'lanescope-feed-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A whole JPEG, 8 × 8, of one grey; `mark`, in a comment at its beginning, makes it unique. */
export function jpeg(mark: string): Buffer {
  const comment = Buffer.from(mark.padEnd(16))
  return Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xfe, 0, comment.length + 2), comment, GREY])
}
/** Everything of a baseline JPEG after its first two bytes: one component, one block without any change. */
const GREY = Buffer.concat([
  Buffer.of(0xff, 0xdb, 0, 67, 0, ...Array<number>(64).fill(1)),
  Buffer.of(0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0),
  Buffer.of(0xff, 0xc4, 0, 20, 0x00, 1, ...Array<number>(15).fill(0), 0),
  Buffer.of(0xff, 0xc4, 0, 20, 0x10, 1, ...Array<number>(15).fill(0), 0),
  Buffer.of(0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x3f, 0xff, 0xd9),
])

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

