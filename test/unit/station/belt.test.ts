// The belt by itself: order, bound, memory, and what stops.
import { expect, test } from 'vitest'
import { Belt, type WaitingBag } from '../../../src/main/station/belt'
import { gate } from './make'

const bag = (id: number): WaitingBag => ({ id, sha256: `sha of ${id}`, bytes: new Uint8Array([id]) })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A belt whose bags are done when the test says so. */
function heldBelt(limit = 100, atOnce = 1) {
  const begun: number[] = []
  const done = new Map<number, () => void>()
  const held: (number | null)[] = []
  const belt = new Belt(limit, atOnce, ({ id, bytes }) => {
    begun.push(id)
    held.push(bytes && bytes.length)
    const { promise, open } = gate<undefined>()
    done.set(id, () => open(undefined))
    return promise
  })
  const finish = async (id: number): Promise<void> => {
    done.get(id)?.()
    await turn()
  }
  return { belt, begun, held, finish }
}

test('nothing is handed out before the start; then two at a time, oldest first', async () => {
  const { belt, begun, finish } = heldBelt()
  for (const id of [1, 2, 3, 4]) belt.put(bag(id))
  expect(begun).toEqual([])
  belt.start()
  expect(begun).toEqual([1, 2])
  await finish(2)
  expect(begun).toEqual([1, 2, 3])
  expect(belt.backlog).toBe(3)
})

test('as many as are worked on at once are handed out, and one behind them', () => {
  const { belt, begun } = heldBelt(100, 3)
  for (const id of [1, 2, 3, 4, 5]) belt.put(bag(id))
  belt.start()
  expect(begun).toEqual([1, 2, 3, 4])
})

test('a full belt holds a feed back, and lets it go as bags leave', async () => {
  const { belt, finish } = heldBelt(2)
  belt.start()
  const got: number[] = []
  const feed = (async () => {
    for (let id = 1; id <= 6; id++) {
      got.push(id)
      belt.put(bag(id))
      await belt.room()
    }
  })()
  await turn()
  expect(got).toEqual([1, 2, 3, 4, 5]) // two in hand, two waiting, and the one that made it too many
  await finish(1)
  expect(got).toEqual([1, 2, 3, 4, 5, 6])
  await finish(2)
  await feed
  expect(got).toEqual([1, 2, 3, 4, 5, 6])
})

test('only the first waiting bags hold their bytes', async () => {
  const { belt, held, finish } = heldBelt()
  for (let id = 1; id <= 12; id++) belt.put(bag(id))
  belt.start()
  for (let id = 1; id <= 12; id++) await finish(id)
  expect(held).toEqual([...Array<number>(8).fill(1), null, null, null, null])
})

test('stop waits for those in hand, hands out no more, lets go who waits for room and refuses the next', async () => {
  const { belt, begun, finish } = heldBelt(1)
  belt.start()
  for (const id of [1, 2, 3, 4]) belt.put(bag(id))
  const waiting = belt.room()
  expect(() => belt.mustRun()).not.toThrow()
  let stopped = false
  const stop = belt.stop().then(() => (stopped = true))
  await waiting
  await finish(1)
  expect(stopped).toBe(false)
  await finish(2)
  await stop
  expect(begun).toEqual([1, 2])
  expect(belt.backlog).toBe(2) // stay received
  expect(() => belt.mustRun()).toThrow(/stopping/)
})

test('rest resolves at once on an empty belt, else after the last bag', async () => {
  const { belt, finish } = heldBelt()
  await belt.rest()
  belt.start()
  belt.put(bag(1))
  let rested = false
  const rest = belt.rest().then(() => (rested = true))
  await turn()
  expect(rested).toBe(false)
  await finish(1)
  await rest
})
