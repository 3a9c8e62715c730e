// A replay plays in order, at its rate, again as new bags, and stops when told.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { FeedClock } from '../../../src/main/feed/clock'
import { Replay } from '../../../src/main/feed/replay'
import { jpeg, put, recorder, scratch, until } from './helpers'

/** A clock on which waiting costs nothing; it notes how long each wait was. */
function fastClock(): FeedClock & { waits: number[] } {
  let at = 0
  const waits: number[] = []
  return {
    waits,
    now: () => 1_800_000_000_000 + at,
    elapsed: () => at,
    wait: async (ms, signal) => {
      if (!signal.aborted) {
        waits.push(ms)
        at += Math.max(0, ms)
      }
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('Replay', () => {
  it('plays every scan in natural order at its rate and says when it is done', async () => {
    await using dir = await scratch()
    for (const n of [10, 9, 1]) await put(join(dir.path, `bag${n}.jpg`), jpeg(String(n)))
    await put(join(dir.path, 'notes.txt'), Buffer.from('no scan'))
    const clock = fastClock()
    const { submit, names, scans } = recorder()
    const replay = new Replay({ lane: 'demo', directory: dir.path, rate: 300, clock })
    await replay.start(submit)
    await until(() => expect(replay.status().state).toBe('done'))
    expect(names()).toEqual(['bag1.jpg', 'bag9.jpg', 'bag10.jpg'])
    // 300 bags an hour: one in 12 s, the first at once
    expect(clock.waits.filter((ms) => ms > 0)).toEqual([12_000, 12_000])
    expect(replay.status()).toMatchObject({ name: 'demo', kind: 'replay', seen: 3, message: 'All 3 scans have been played' })
    expect(scans[0]?.path).toMatch(/^replay:2027-\d\d-\d\dT[\d:.]+Z\/.*\/bag1\.jpg$/)
    expect(scans[0]?.content).toMatchObject({ bytes: jpeg('1') })
  })

  it('does not race after the station held it back', async () => {
    await using dir = await scratch()
    for (const n of [1, 2, 3]) await put(join(dir.path, `${n}.jpg`), jpeg(String(n)))
    const clock = fastClock()
    const replay = new Replay({ lane: 'demo', directory: dir.path, rate: 3600, clock })
    await replay.start(async () => {
      await clock.wait(60_000, new AbortController().signal)
      return 'received'
    })
    await until(() => expect(replay.status().state).toBe('done'))
    expect(clock.waits.filter((ms) => ms !== 60_000 && ms > 0)).toEqual([])
  })

  it('counts each play as new bags: paths differ between plays', async () => {
    await using dir = await scratch()
    await put(join(dir.path, '1.jpg'), jpeg('1'))
    const { submit, scans } = recorder()
    const replay = new Replay({ lane: 'demo', directory: dir.path, rate: 3600, loop: true, clock: fastClock() })
    await replay.start(submit)
    await until(() => expect(scans.length).toBeGreaterThan(3))
    await replay.stop()
    expect(new Set(scans.map(({ path }) => path)).size).toBe(scans.length)
  })

  it('stops in the middle', async () => {
    await using dir = await scratch()
    for (const n of [1, 2, 3]) await put(join(dir.path, `${n}.jpg`), jpeg(String(n)))
    const { submit, names } = recorder()
    const replay = new Replay({ lane: 'demo', directory: dir.path, rate: 1 })
    await replay.start(submit)
    await until(() => expect(names()).toEqual(['1.jpg']))
    await replay.stop()
    expect(names()).toEqual(['1.jpg'])
  })

  it('waits, and says so, while the station refuses; no scan is skipped', async () => {
    await using dir = await scratch()
    for (const n of [1, 2]) await put(join(dir.path, `${n}.jpg`), jpeg(String(n)))
    const { submit, names } = recorder()
    let refusals = 0
    const replay = new Replay({ lane: 'demo', directory: dir.path, rate: 3600, clock: fastClock() })
    const states: string[] = []
    await replay.start((scan) => {
      states.push(replay.status().state)
      return ++refusals <= 2 ? Promise.reject(new Error('The disk is full.')) : submit(scan)
    })
    await until(() => expect(replay.status().state).toBe('done'))
    expect(names()).toEqual(['1.jpg', '2.jpg'])
    expect(states).toEqual(['live', 'error', 'error', 'live'])
  })

  it('says what is wrong with a folder that is empty or missing', async () => {
    await using dir = await scratch()
    await mkdir(join(dir.path, 'empty'))
    const { submit } = recorder()
    for (const [name, why] of [
      ['empty', 'There is no scan in'],
      ['missing', 'it is not there'],
    ] as const) {
      const replay = new Replay({ lane: 'demo', directory: join(dir.path, name), rate: 300 })
      await replay.start(submit)
      expect(replay.status().state).toBe('error')
      expect(replay.status().message).toContain(why)
    }
  })
})
