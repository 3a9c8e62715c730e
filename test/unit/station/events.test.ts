// The fan-out: every subscriber gets every newest state, however slow; an alarm is never dropped for a clear bag.
import { expect, test } from 'vitest'
import { Events } from '../../../src/main/station/events'
import type { Bag } from '../../../src/shared/bag'
import type { StationEvent } from '../../../src/shared/contract'
import type { Verdict } from '../../../src/shared/classes'
import { makeStation } from './make'

function bag(id: number, verdict: Verdict | null): StationEvent {
  const rest = {
    lane: 'n',
    path: '/a',
    fileName: 'a',
    sha256: null,
    receivedAt: 1,
    screenedAt: null,
    width: null,
    height: null,
    reason: null,
  }
  const none = { classes: null, model: null, policy: null, provider: null, ms: null, decision: null, outcome: null }
  const value: Bag = { id, ...rest, ...none, verdict, hasScan: false, hasHeatmap: false }
  return { type: 'bag', bag: value }
}
const policy = (version: number): StationEvent => ({ type: 'policy', version })
const first = () => Promise.resolve(policy(0))
/** Takes what waits, until the fan-out closes. */
async function all(events: AsyncIterable<StationEvent>): Promise<StationEvent[]> {
  const heard: StationEvent[] = []
  for await (const event of events) heard.push(event)
  return heard
}
const words = (events: StationEvent[]): unknown[] =>
  events.map((e) => (e.type === 'bag' ? [e.bag.id, e.bag.verdict] : e.type === 'policy' ? e.version : e.type))

test('a subscriber gets the first event and then what comes, in order; a newer state of a bag replaces a waiting older one', async () => {
  const events = new Events()
  const stream = events.subscribe(first)
  expect((await stream.next()).value).toEqual(policy(0))
  for (const event of [bag(1, null), bag(2, null), bag(1, 'alarm'), policy(1), policy(2)]) events.emit(event)
  events.close()
  expect(words(await all(stream))).toEqual([[2, null], [1, 'alarm'], 2])
})

test('what comes while the first event is being made is not lost', async () => {
  const events = new Events()
  const stream = events.subscribe(async () => {
    events.emit(bag(1, 'alarm'))
    return Promise.resolve(policy(0))
  })
  await stream.next()
  events.close()
  expect(words(await all(stream))).toEqual([[1, 'alarm']])
})

test('a subscriber that does not keep up loses quiet bags first, and never all it has', async () => {
  const events = new Events()
  const stream = events.subscribe(first)
  await stream.next()
  for (let id = 1; id <= 3000; id += 1) events.emit(bag(id, id % 10 === 0 ? 'alarm' : 'clear'))
  events.close()
  const heard = words(await all(stream)) as [number, Verdict][]
  expect(heard.length).toBeLessThanOrEqual(500)
  expect(heard.filter(([, verdict]) => verdict === 'alarm')).toHaveLength(300)
  expect(heard.at(-1)).toEqual([3000, 'alarm'])
})

test('nobody waits for a slow subscriber, and one that leaves is forgotten', async () => {
  const events = new Events()
  const quick = events.subscribe(first)
  const slow = events.subscribe(first)
  await quick.next()
  await slow.next()
  events.emit(bag(1, 'alarm'))
  expect(words([(await quick.next()).value as StationEvent])).toEqual([[1, 'alarm']])
  expect(events.audience).toBe(2)
  await quick.return()
  expect(events.audience).toBe(1)
})

test('an aborted signal ends the stream even while it waits', async () => {
  const events = new Events()
  const abort = new AbortController()
  const stream = events.subscribe(first, abort.signal)
  await stream.next()
  const next = stream.next()
  abort.abort()
  expect((await next).done).toBe(true)
  expect(events.audience).toBe(0)
})

test("a station's stream begins with its status, and ends when the station stops", async () => {
  const { station, scan } = makeStation()
  await station.start()
  const stream = station.events()
  expect((await stream.next()).value).toMatchObject({ type: 'status', status: { backlog: 0 } })
  await scan('a')
  await station.idle()
  await station.stop()
  const heard = await all(stream)
  expect(words(heard.filter((e) => e.type === 'bag')).at(-1)).toEqual([1, 'clear'])
})
