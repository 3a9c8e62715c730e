// The log: keyset pages without gaps or doubles, filters that a URL keeps, reviews that are explicit and complete.
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { THREAT_CLASSES } from '../../src/shared/classes'
import { Live } from '../../src/renderer/state/live.svelte'
import { Log, PAGE } from '../../src/renderer/state/log.svelte'
import { filterFrom, FLAGGED, queryOf } from '../../src/renderer/state/log-query'
import { Person } from '../../src/renderer/state/person.svelte'
import { Router } from '../../src/renderer/state/router.svelte'
import { aBag, FakeStation } from './fake'

async function aLog(bags: ReturnType<typeof aBag>[]) {
  const station = new FakeStation()
  station.bags = bags
  const live = new Live(station.open)
  const person = new Person()
  person.set('S. Supervisor')
  const router = new Router('#/log')
  const log = new Log(live, person, router)
  live.onBag((bag) => log.changed(bag))
  void live.run()
  await vi.waitFor(() => expect(live.connected).toBe(true))
  await log.reload()
  return { station, live, log, router }
}
const alarms = (n: number) =>
  Array.from({ length: n }, (_, i) => aBag({ id: n - i, verdict: 'alarm', tiers: { knife: 'alarm', gun: 'advisory' } }))

beforeEach(() => {
  localStorage.clear()
  location.hash = ''
})

describe('paging', () => {
  it('walks the whole log page by page, each bag once, newest first', async () => {
    const { log, live } = await aLog(alarms(2 * PAGE + 7))
    expect(log.rows).toHaveLength(PAGE)
    expect(log.total).toBe(2 * PAGE + 7)
    while (log.more) await log.loadMore()
    const ids = log.rows.map((b) => b.id)
    expect(ids).toEqual(Array.from({ length: 2 * PAGE + 7 }, (_, i) => 2 * PAGE + 7 - i))
    live.stop()
  })

  it('loads more when a person steps past the last row', async () => {
    const { log, live } = await aLog(alarms(PAGE + 3))
    await log.show(log.rows.at(-1)?.id ?? 0)
    await log.step(1)
    expect(log.open?.id).toBe(3)
    live.stop()
  })

  it('shows a bag’s new state in place and counts new ones instead of moving the list', async () => {
    const { log, live } = await aLog(alarms(3))
    const first = log.rows[0]
    if (first === undefined) throw new Error('no row')
    live.update({ ...first, decision: { action: 'search', person: 'A', reason: null, at: 1, seconds: 2 } })
    expect(log.rows[0]?.decision?.action).toBe('search')
    live.update(aBag({ id: 9, verdict: 'alarm', tiers: { gun: 'alarm' } }))
    live.update(aBag({ id: 10, verdict: 'clear' }))
    expect(log.rows).toHaveLength(3)
    expect(log.fresh).toBe(1)
    live.stop()
  })
})

describe('filters in the URL', () => {
  it('come back as they were', () => {
    const filter = {
      verdicts: ['clear' as const],
      class: 'gun' as const,
      decision: 'none' as const,
      lane: 'Lane 3 & co',
      from: 1000,
    }
    expect(filterFrom(queryOf(filter))).toEqual(filter)
    expect(queryOf({ verdicts: [...FLAGGED] })).toBe('')
  })
  it('leave nonsense out and start with what was flagged', () => {
    expect(filterFrom('class=bazooka&verdicts=nonsense&from=yesterday')).toEqual({ verdicts: [...FLAGGED] })
  })
})

describe('reviews', () => {
  it('a false alarm is one key; nothing is recorded by opening a bag', async () => {
    const { station, log, live } = await aLog(alarms(2))
    expect(log.open?.id).toBe(2)
    await log.step(1)
    expect(station.reviewed).toHaveLength(0)
    if (log.open === null) throw new Error('nothing open')
    await log.review.begin(log.open, 'false-alarm')
    expect(station.reviewed).toMatchObject([{ id: 1, kind: 'false-alarm', class: null, where: null, person: 'S. Supervisor' }])
    live.stop()
  })

  it('a confirmed threat starts at the alarm’s class and peak, and takes another class and place', async () => {
    const { station, log, live } = await aLog(alarms(1))
    const bag = log.open
    if (bag === null) throw new Error('nothing open')
    await log.review.begin(bag, 'confirmed')
    expect(station.reviewed).toHaveLength(0)
    expect(log.review.class).toBe('knife')
    expect(log.review.where).toEqual(bag.classes?.knife.peak)
    log.review.choose(bag, 'pliers')
    expect(log.review.where).toEqual(bag.classes?.pliers.peak)
    log.review.point({ x: 0.9, y: 0.1 })
    log.review.choose(bag, 'gun')
    await log.review.save(bag)
    expect(station.reviewed).toMatchObject([{ kind: 'confirmed', class: 'gun', where: { x: 0.9, y: 0.1 } }])
    live.stop()
  })

  it('only a bag without an alarm can have been missed, and then someone must say what', async () => {
    const { station, log, live } = await aLog(alarms(1))
    const flagged = log.open
    if (flagged === null) throw new Error('nothing open')
    await log.review.begin(flagged, 'missed')
    expect(station.reviewed).toHaveLength(0)
    expect(log.review.notice?.text).toContain('this one was flagged')
    const clear = station.bag(aBag({ id: 5, verdict: 'clear' }))
    await log.review.begin(clear, 'missed')
    await log.review.save(clear)
    expect(station.reviewed).toHaveLength(0)
    log.review.choose(clear, THREAT_CLASSES[4])
    await log.review.save(clear)
    expect(station.reviewed).toMatchObject([{ id: 5, kind: 'missed', class: 'scissors', where: null }])
    live.stop()
  })
})

describe('an alarm that nobody decided at the lane', () => {
  it('can be decided here; clearing it takes two presses', async () => {
    const { station, log, live } = await aLog(alarms(1))
    const bag = log.open
    if (bag === null) throw new Error('nothing open')
    await log.late.decide(bag, 'clear')
    expect(station.decided).toHaveLength(0)
    await log.late.decide(bag, 'clear')
    expect(station.decided).toMatchObject([{ id: 1, action: 'clear', seconds: null }])
    expect(log.open?.decision?.action).toBe('clear')
    live.stop()
  })
})
