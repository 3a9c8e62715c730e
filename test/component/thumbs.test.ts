// Small pictures never stand in the way of the large one: few at a time, the latest first, none for what scrolled away, each once.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Thumbs } from '../../src/renderer/state/thumbs.svelte'

interface Asked {
  id: number
  signal: AbortSignal
  answer: (blob: Blob | null) => void
}
function aStation() {
  const asked: Asked[] = []
  const thumbs = new Thumbs(
    (url, signal) =>
      new Promise((answer, reject) => {
        asked.push({ id: Number(url.split('/').at(-1)), signal, answer })
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      }),
  )
  return { thumbs, asked, open: () => asked.filter((a) => !a.signal.aborted).map((a) => a.id) }
}
const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

let made = 0
beforeEach(() => {
  made = 0
  vi.useFakeTimers()
  URL.createObjectURL = () => `blob:${made++}`
  URL.revokeObjectURL = () => undefined
})
afterEach(() => vi.useRealTimers())

describe('thumbnails', () => {
  it('are fetched two at a time however many are wanted, the latest wanted first', async () => {
    const { thumbs, asked } = aStation()
    for (let id = 1; id <= 200; id++) thumbs.want(id)
    expect(asked.map((a) => a.id)).toEqual([1, 2])
    asked[0]?.answer(new Blob())
    await settle()
    expect(asked.map((a) => a.id)).toEqual([1, 2, 200])
  })

  it('are given up when they scroll away: a waiting one is never asked for, a running one is stopped', async () => {
    const { thumbs, asked, open } = aStation()
    const giveUp = Array.from({ length: 50 }, (_, i) => thumbs.want(i + 1))
    for (const stop of giveUp) stop()
    await settle()
    expect(asked).toHaveLength(2)
    expect(open()).toEqual([])
    thumbs.want(99)
    expect(open()).toEqual([99])
    // and the one that was stopped can be wanted again
    thumbs.want(1)
    expect(open()).toEqual([99, 1])
  })

  it('are fetched once, also when two places show the same bag, and stay while one of them does', async () => {
    const { thumbs, asked } = aStation()
    const belt = thumbs.want(7)
    thumbs.want(7)
    belt()
    belt() // giving up twice counts once
    expect(asked.map((a) => [a.id, a.signal.aborted])).toEqual([[7, false]])
    asked[0]?.answer(new Blob())
    await settle()
    expect(thumbs.of(7)).toBe('blob:0')
    thumbs.want(7)
    expect(asked).toHaveLength(1)
  })

  it('say that there is none, and ask again later', async () => {
    const { thumbs, asked } = aStation()
    expect(thumbs.of(3)).toBeUndefined()
    thumbs.want(3)
    asked[0]?.answer(null)
    await settle()
    expect(thumbs.of(3)).toBeNull()
    vi.advanceTimersByTime(5000)
    expect(asked.map((a) => a.id)).toEqual([3, 3])
    expect(thumbs.of(3), 'what is said does not flicker while it is asked again').toBeNull()
    asked[1]?.answer(null)
    await settle()
    vi.advanceTimersByTime(5000) // each time it waits twice as long
    expect(asked).toHaveLength(2)
    vi.advanceTimersByTime(5000)
    expect(asked).toHaveLength(3)
    asked[2]?.answer(new Blob())
    await settle()
    expect(thumbs.of(3)).toBe('blob:0')
    vi.advanceTimersByTime(600_000)
    expect(asked).toHaveLength(3)
  })

  it('are let go beyond the last few hundred, but never one that is in view', async () => {
    const { thumbs, asked } = aStation()
    thumbs.want(1)
    asked[0]?.answer(new Blob())
    await settle()
    for (let id = 2; id <= 500; id++) {
      const stop = thumbs.want(id)
      asked.at(-1)?.answer(new Blob())
      await settle()
      stop()
    }
    expect([thumbs.of(1), thumbs.of(2), thumbs.of(500)]).toEqual(['blob:0', undefined, 'blob:499'])
  })
})
