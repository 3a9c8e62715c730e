// The log: keyset pages without gaps or doubles, filters that a URL keeps, reviews that are explicit and complete.
import { beforeEach, describe, expect, it, vi } from 'vitest'
import fc from 'fast-check'
import { place, type Finding, type Place } from '../../src/shared/bag'
import { truthWords } from '../../src/renderer/state/outcome-words'
import { placeBetween } from '../../src/renderer/state/place'
import { LateDecision } from '../../src/renderer/state/late-decision.svelte'
import { Live } from '../../src/renderer/state/live.svelte'
import { Log, PAGE } from '../../src/renderer/state/log.svelte'
import { ALL, filterFrom, FLAGGED, queryOf } from '../../src/renderer/state/log-query'
import { SECOND_PRESS_MS } from '../../src/renderer/state/operator.svelte'
import { spanOf } from '../../src/renderer/state/period'
import { useStationTime } from '../../src/renderer/state/time.svelte'
import { Person } from '../../src/renderer/state/person.svelte'
import { Router } from '../../src/renderer/state/router.svelte'
import { aBag, FakeStation, T0 } from './fake'

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
  return { station, live, log, router, person }
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
    expect(filterFrom(queryOf({ filter, period: null }), T0)).toEqual({ filter, period: null })
    expect(queryOf({ filter: { verdicts: [...FLAGGED] }, period: null })).toBe('')
  })
  it('leave nonsense out and start with what was flagged', () => {
    const start = { filter: { verdicts: [...FLAGGED] }, period: null }
    expect(filterFrom('class=bazooka&verdicts=nonsense&from=yesterday&period=soon', T0)).toEqual(start)
  })
  it('a named period is kept by its name, and means the day on which the link is opened', () => {
    useStationTime({ timeZone: 'Europe/Berlin', locale: 'de-DE' })
    const at = (iso: string): number => new Date(iso).getTime()
    const link = queryOf(filterFrom('period=today', at('2026-10-25T08:00+01:00')))
    expect(link).toBe('period=today')
    // the night in which the clocks go back: a day of 25 hours, from midnight to midnight
    expect(filterFrom(link, at('2026-10-25T23:59:59+01:00')).filter).toMatchObject({
      from: at('2026-10-25T00:00+02:00'),
      to: at('2026-10-26T00:00+01:00'),
    })
    expect(filterFrom(link, at('2026-10-26T00:00+01:00')).filter).toMatchObject({
      from: at('2026-10-26T00:00+01:00'),
      to: at('2026-10-27T00:00+01:00'),
    })
    expect(spanOf('yesterday', at('2026-10-26T12:00+01:00'))).toEqual(spanOf('today', at('2026-10-25T12:00+01:00')))
  })
})

describe('the bag that is open and the filter', () => {
  const mixed = () => [
    aBag({ id: 4, verdict: 'clear' }),
    aBag({ id: 3, verdict: 'alarm', tiers: { gun: 'alarm' } }),
    aBag({ id: 2, verdict: 'advisory', tiers: { knife: 'advisory' } }),
    aBag({ id: 1, verdict: 'alarm', tiers: { pliers: 'alarm' }, lane: 'South' }),
  ]
  const settled = async (log: Log): Promise<void> => vi.waitFor(() => expect(log.loading).toBe(false))

  it('a bag outside the filter is closed, whichever filter it is; what it leaves is opened', async () => {
    const { log, live, router } = await aLog(mixed())
    expect(log.open?.id).toBe(3)
    const changes: [Parameters<Log['set']>[0], number | null][] = [
      [{ verdicts: ['advisory'] }, 2],
      [{ verdicts: [...ALL], lane: 'South' }, 1],
      [{ lane: undefined, class: 'gun' }, 3],
      [{ class: undefined, decision: 'hold' }, null],
    ]
    for (const [change, first] of changes) {
      log.set(change)
      expect(log.open?.id ?? null).not.toBe(first === 3 ? 1 : 3)
      await settled(log)
      await vi.waitFor(() => expect(log.open?.id ?? null).toBe(first))
      expect(router.bag).toBe(first)
    }
    live.stop()
  })

  it('a bag inside the new filter stays open', async () => {
    const { log, live } = await aLog(mixed())
    await log.show(1)
    log.set({ verdicts: ['alarm'] })
    await settled(log)
    expect(log.open?.id).toBe(1)
    live.stop()
  })

  it('a decision that takes the open bag out of the filter leaves it on the screen until the list is loaded anew', async () => {
    const { log, live, station } = await aLog(mixed())
    log.only({ verdicts: ['alarm'], decision: 'none' })
    await settled(log)
    const open = log.open
    if (open === null) throw new Error('nothing open')
    live.update(station.bag({ ...open, decision: { action: 'search', person: 'A', reason: null, at: 1, seconds: 2 } }))
    expect(log.open?.id).toBe(3)
    expect(log.rows.map((b) => log.belongs(b))).toEqual([false, true])
    await log.reload()
    expect(log.open?.id).toBe(1)
    live.stop()
  })

  it('a link to a bag outside the filter widens it: what is open is always in the list', async () => {
    const { log, live } = await aLog(mixed())
    await log.find(4)
    expect(log.open?.id).toBe(4)
    expect(log.rows.map((b) => b.id)).toEqual([4, 3, 2, 1])
    live.stop()
  })

  it('counts a new bag once, however often it changes, and only where it belongs', async () => {
    const { log, live, station } = await aLog(mixed())
    log.set({ lane: 'North' })
    await settled(log)
    const bag = aBag({ id: 9, verdict: 'alarm', tiers: { gun: 'alarm' } })
    live.update(station.bag(bag))
    live.update({ ...bag, hasHeatmap: true })
    live.update(aBag({ id: 10, verdict: 'alarm', tiers: { gun: 'alarm' }, lane: 'South' }))
    expect(log.fresh).toBe(1)
    live.stop()
  })

  it('today moves on at midnight when the list is loaded anew', async () => {
    useStationTime({ timeZone: 'UTC', locale: 'en-GB' })
    let now = T0
    const { live, person } = await aLog(mixed())
    const log = new Log(live, person, new Router('#/log?period=today'), () => now)
    expect(log.filter).toMatchObject({ from: Date.UTC(2026, 10, 22), to: Date.UTC(2026, 10, 23) })
    now = Date.UTC(2026, 10, 23)
    await log.reload()
    expect(log.filter).toMatchObject({ from: Date.UTC(2026, 10, 23), to: Date.UTC(2026, 10, 24) })
    // an instant of a person's own ends the period
    log.set({ to: undefined })
    expect(log.period).toBeNull()
    live.stop()
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
    expect(station.reviewed).toMatchObject([{ id: 1, kind: 'false-alarm', found: [], person: 'S. Supervisor' }])
    live.stop()
  })

  it('a confirmed threat starts at the alarm’s class and peak; every class gets a point or a box of its own', async () => {
    const { station, log, live } = await aLog(alarms(1))
    const bag = log.open
    if (bag?.classes == null) throw new Error('nothing open')
    const { review } = log
    await review.begin(bag, 'confirmed')
    expect(station.reviewed).toHaveLength(0)
    expect(review.found).toEqual([{ class: 'knife', where: { shape: 'point', ...bag.classes.knife.peak } }])
    review.choose(bag, 'gun') // an advisory: its peak is where to start
    expect(review.found[1]).toEqual({ class: 'gun', where: { shape: 'point', ...bag.classes.gun.peak } })
    review.choose(bag, 'pliers') // nothing said so: no place
    expect(review.found[2]).toEqual({ class: 'pliers', where: null })
    const box: Place = { shape: 'box', x: 0.1, y: 0.2, width: 0.3, height: 0.4 }
    review.place(box)
    review.activate('knife')
    review.place({ shape: 'point', x: 0.9, y: 0.1 })
    review.choose(bag, 'gun') // a second press takes it back
    await review.save(bag)
    expect(station.reviewed).toMatchObject([
      {
        kind: 'confirmed',
        found: [
          { class: 'knife', where: { shape: 'point', x: 0.9, y: 0.1 } },
          { class: 'pliers', where: box },
        ],
      },
    ])
    // reviewed again, it starts with what was said
    const again = log.open
    if (again === null) throw new Error('nothing open')
    await review.begin(again, 'confirmed')
    expect(review.found.map((f) => f.class)).toEqual(['knife', 'pliers'])
    live.stop()
  })

  it('missed is for bags without an alarm, an advisory among them, and then someone must say what', async () => {
    const { station, log, live } = await aLog(alarms(1))
    const flagged = log.open
    if (flagged === null) throw new Error('nothing open')
    const { review } = log
    await review.begin(flagged, 'missed')
    expect(station.reviewed).toHaveLength(0)
    expect(review.notice?.text).toContain('for bags without an alarm')
    for (const verdict of ['clear', 'advisory'] as const) {
      const id = verdict === 'clear' ? 5 : 6
      const bag = station.bag(aBag({ id, verdict, tiers: verdict === 'clear' ? {} : { gun: 'advisory' } }))
      await log.show(id)
      await review.begin(bag, 'missed')
      await review.save(bag)
      expect(review.notice?.text).toContain('Which class?')
      expect(review.found).toEqual([])
      review.choose(bag, 'scissors')
      await review.save(bag)
      expect(station.reviewed.at(-1)).toMatchObject({ id, kind: 'missed', found: [{ class: 'scissors', where: null }] })
    }
    expect(station.reviewed).toHaveLength(2)
    live.stop()
  })

  it('what was begun on a bag stays that bag’s, while another is looked at and while it is being saved', async () => {
    const { station, log, live } = await aLog(alarms(2))
    const [second, first] = log.rows
    if (second === undefined || first === undefined) throw new Error('no rows')
    const { review } = log
    await review.begin(second, 'confirmed')
    review.comment = 'taped under the lid'
    await log.show(first.id)
    expect([review.kind, review.comment]).toEqual([null, ''])
    await log.show(second.id)
    expect([review.kind, review.comment]).toEqual(['confirmed', 'taped under the lid'])

    // the station takes its time; meanwhile another bag is begun
    let answer: () => void = () => undefined
    station.slow = new Promise((resolve) => (answer = resolve))
    const saving = review.save(second)
    await log.show(first.id)
    await review.begin(first, 'confirmed')
    review.comment = 'of the first bag'
    answer()
    await saving
    expect(station.reviewed).toMatchObject([{ id: second.id, comment: 'taped under the lid' }])
    expect([review.kind, review.comment]).toEqual(['confirmed', 'of the first bag'])
    live.stop()
  })

  it('a refused review says so on its own bag', async () => {
    const { station, log, live } = await aLog(alarms(2))
    const [second, first] = log.rows
    if (second === undefined || first === undefined) throw new Error('no rows')
    station.refuse = 'The log cannot be written.'
    const saving = log.review.begin(second, 'false-alarm')
    await log.show(first.id)
    await saving
    expect(log.review.notice).toBeNull()
    await log.show(second.id)
    expect(log.review.notice).toEqual({ text: 'NOT recorded: The log cannot be written.', bad: true })
    live.stop()
  })
})

describe('what an outcome says of the network', () => {
  const bag = aBag({ verdict: 'alarm', tiers: { gun: 'alarm', pliers: 'alarm', knife: 'advisory' } })
  const found = (...classes: Finding['class'][]): Finding[] => classes.map((c) => ({ class: c, where: null }))
  it.each([
    [found('gun'), 'the alarm was right: gun; false alarm: pliers'],
    [
      found('gun', 'knife', 'scissors'),
      'the alarm was right: gun; only an advisory for: knife; no alarm for: scissors; false alarm: pliers',
    ],
    [found('gun', 'pliers'), 'the alarm was right: gun, pliers'],
  ])('%j: %s', (named, words) => {
    expect(truthWords(bag, named)).toBe(words)
  })
  it('a bag that could not be screened said nothing, neither right nor wrong', () => {
    expect(truthWords(aBag({ verdict: 'unscreenable' }), found('gun'))).toBe('not screened: gun')
  })
})

describe('places', () => {
  const size = { width: 800, height: 600 }
  it('a click is a point, a drag a box, either way round, and neither reaches out of the scan', () => {
    expect(placeBetween({ x: 0.5, y: 0.5 }, { x: 0.503, y: 0.504 }, size)).toEqual({ shape: 'point', x: 0.5, y: 0.5 })
    expect(placeBetween({ x: 0.75, y: 0.75 }, { x: 0.25, y: 0.5 }, size)).toEqual({
      shape: 'box',
      x: 0.25,
      y: 0.5,
      width: 0.5,
      height: 0.25,
    })
    expect(placeBetween({ x: 0.5, y: 0.5 }, { x: 1.4, y: 1.2 }, size)).toEqual({
      shape: 'box',
      x: 0.5,
      y: 0.5,
      width: 0.5,
      height: 0.5,
    })
    expect(placeBetween({ x: 1.2, y: 0.5 }, { x: 1.2, y: 0.5 }, size)).toBeNull()
    expect(placeBetween({ x: 0.5, y: 0.5 }, { x: 0.9, y: 0.5 }, size)).toEqual({ shape: 'point', x: 0.5, y: 0.5 })
  })
  it('every place that a drag can give satisfies the contract', () => {
    const anywhere = fc.record({ x: fc.double({ min: -1, max: 2, noNaN: true }), y: fc.double({ min: -1, max: 2, noNaN: true }) })
    fc.assert(
      fc.property(anywhere, anywhere, (from, to) => {
        const where = placeBetween(from, to, size)
        if (where !== null) expect(place.safeParse(where).success).toBe(true)
      }),
    )
  })
})

describe('an alarm that nobody decided at the lane', () => {
  it('can be decided here; clearing it takes two presses, neither a bounce nor one long after', async () => {
    let now = T0
    const { station, live, person } = await aLog(alarms(1))
    const late = new LateDecision(live, person, () => now)
    const bag = live.find(1)
    if (bag === null) throw new Error('no bag')
    const press = async (at: number): Promise<number> => {
      now = T0 + at
      await late.decide(bag, 'clear')
      return station.decided.length
    }
    expect(await press(0)).toBe(0)
    expect(await press(SECOND_PRESS_MS.from - 1)).toBe(0)
    expect(await press(SECOND_PRESS_MS.to + 1)).toBe(0)
    expect(await press(SECOND_PRESS_MS.to + 1000)).toBe(1)
    expect(station.decided).toMatchObject([{ id: 1, action: 'clear', seconds: null }])
    live.stop()
  })

  it('a refused decision is said of its own bag', async () => {
    const { station, log, live } = await aLog(alarms(2))
    const bag = log.open
    if (bag === null) throw new Error('nothing open')
    station.refuse = 'The log cannot be written.'
    await log.late.decide(bag, 'search')
    expect(log.late.error).toEqual({ bag: bag.id, text: 'NOT recorded: The log cannot be written.' })
    live.stop()
  })
})
