// Which bag is on the screen, and the protection of its decision; the lost connection. No timers: the test owns the clock.
import { flushSync } from 'svelte'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Live, QUEUE_MS } from '../../src/renderer/state/live.svelte'
import { Operator, SECOND_PRESS_MS, SLIP_MS } from '../../src/renderer/state/operator.svelte'
import { Person } from '../../src/renderer/state/person.svelte'
import { Sound } from '../../src/renderer/state/sound.svelte'
import { aBag, FakeStation, T0 } from './fake'

let now = T0
const clock = (): number => now
async function lane(): Promise<{ station: FakeStation; live: Live; operator: Operator; end: () => void }> {
  const station = new FakeStation(clock)
  const live = new Live(station.open, clock)
  const person = new Person(now)
  person.set('A. Operator', now)
  const operator = new Operator(live, person, clock)
  void live.run()
  await vi.waitFor(() => expect(live.connected).toBe(true))
  return {
    station,
    live,
    operator,
    end: () => {
      live.stop()
      operator.stop()
    },
  }
}
/** The station's events reach the screen. */
const arrives = async (live: Live, id: number, verdict: string | null): Promise<void> => {
  await vi.waitFor(() => expect(live.find(id)?.verdict).toBe(verdict))
  flushSync()
}

beforeEach(() => {
  now = T0 + 60_000
  localStorage.clear()
})

describe('which bag is on the screen', () => {
  it('follows the newest calm bag, and stays on an undecided alarm until it is decided', async () => {
    const { station, live, operator, end } = await lane()
    station.bag(aBag({ id: 1 }))
    await arrives(live, 1, 'clear')
    expect(operator.current?.id).toBe(1)
    station.bag(aBag({ id: 2, verdict: 'alarm', tiers: { gun: 'alarm' } }))
    await arrives(live, 2, 'alarm')
    station.bag(aBag({ id: 3 }))
    station.bag(aBag({ id: 4, verdict: 'unscreenable' }))
    await arrives(live, 4, 'unscreenable')
    expect(operator.current?.id).toBe(2)
    expect(operator.others.map((b) => b.id)).toEqual([4])
    now += 2000
    await operator.decide('search')
    flushSync()
    expect(operator.current?.id).toBe(4)
    now += 2000
    await operator.decide('hold')
    expect(operator.current?.id).toBe(4) // the newest bag, now decided
    expect(operator.waiting).toHaveLength(0)
    expect(station.decided.map(({ id, action }) => [id, action])).toEqual([
      [2, 'search'],
      [4, 'hold'],
    ])
    end()
  })

  it('keeps an undecided alarm although 400 bags came after it', async () => {
    const { station, live, operator, end } = await lane()
    station.bag(aBag({ id: 1, verdict: 'alarm', tiers: { gun: 'alarm' }, receivedAt: now }))
    for (let id = 2; id <= 400; id++) live.take({ type: 'bag', bag: aBag({ id, receivedAt: now }) })
    await arrives(live, 1, 'alarm')
    expect(live.bags).toHaveLength(200)
    expect(operator.current?.id).toBe(1)
    end()
  })

  it('does not let yesterday’s undecided alarm hide today’s, but goes on counting it', async () => {
    const { station, live, operator, end } = await lane()
    station.bag(aBag({ id: 1, verdict: 'alarm', tiers: { gun: 'alarm' }, receivedAt: now - QUEUE_MS - 1 }))
    station.bag(aBag({ id: 2, verdict: 'alarm', tiers: { knife: 'alarm' }, receivedAt: now }))
    await arrives(live, 2, 'alarm')
    operator.tick(now)
    expect(operator.current?.id).toBe(2)
    expect(operator.elsewhere).toBe(1)
    end()
  })

  it('recalls from the belt while the lane goes on, and comes back', async () => {
    const { station, live, operator, end } = await lane()
    for (const id of [1, 2, 3]) station.bag(aBag({ id }))
    await arrives(live, 3, 'clear')
    operator.step(1)
    operator.step(1)
    expect(operator.current?.id).toBe(1)
    expect(operator.recalling).toBe(true)
    station.bag(aBag({ id: 4 }))
    await arrives(live, 4, 'clear')
    expect(operator.current?.id).toBe(1)
    operator.goLive()
    expect(operator.current?.id).toBe(4)
    end()
  })
})

describe('the decision', () => {
  it('needs a second press to clear an alarm: not a bounce, not a late one, not one on another bag', async () => {
    const { station, live, operator, end } = await lane()
    station.bag(aBag({ id: 1, verdict: 'alarm', tiers: { gun: 'alarm' } }))
    station.bag(aBag({ id: 2, verdict: 'alarm', tiers: { gun: 'alarm' } }))
    await arrives(live, 2, 'alarm')
    expect(operator.appearedAt).toBe(now)
    now += 2000
    await operator.decide('clear')
    expect(operator.armed).toBe(true)
    now += 500
    operator.recall(2)
    flushSync()
    await operator.decide('clear')
    expect(station.decided).toHaveLength(0)
    now += 500
    operator.goLive()
    flushSync()
    now += 2000
    await operator.decide('clear')
    expect(station.decided).toHaveLength(0)
    now += SECOND_PRESS_MS.from - 100
    await operator.decide('clear')
    expect(station.decided).toHaveLength(0)
    now += SECOND_PRESS_MS.to + 1
    await operator.decide('clear')
    expect(station.decided).toHaveLength(0)
    now += SECOND_PRESS_MS.from + 100
    await operator.decide('clear')
    expect(station.decided).toMatchObject([{ id: 1, action: 'clear', person: 'A. Operator' }])
    expect(station.decided[0]?.seconds).toBeGreaterThan(2)
    end()
  })

  it('protects a bag that could not be screened in the same way', async () => {
    const { station, live, operator, end } = await lane()
    station.bag(aBag({ id: 1, verdict: 'unscreenable' }))
    await arrives(live, 1, 'unscreenable')
    now += 2000
    await operator.decide('clear')
    expect(station.decided).toHaveLength(0)
    expect(operator.notice?.text).toContain('NOT SCREENED')
    end()
  })

  it('ignores a key that was meant for the bag before', async () => {
    const { station, live, operator, end } = await lane()
    station.bag(aBag({ id: 1 }))
    await arrives(live, 1, 'clear')
    now += SLIP_MS - 1
    await operator.decide('clear')
    expect(station.decided).toHaveLength(0)
    expect(operator.notice?.text).toContain('changed just now')
    now += 1
    await operator.decide('clear')
    expect(station.decided).toHaveLength(1)
    end()
  })

  it('never clears a bag without a verdict', async () => {
    const { station, live, operator, end } = await lane()
    station.bag(aBag({ id: 1, verdict: null }))
    await arrives(live, 1, null)
    now += 2000
    await operator.decide('clear')
    expect(station.decided).toHaveLength(0)
    await operator.decide('search')
    expect(station.decided).toMatchObject([{ action: 'search' }])
    end()
  })

  it('says in the station’s own words when it was not recorded, and keeps the alarm on the screen', async () => {
    const { station, live, operator, end } = await lane()
    station.refuse = 'The disk is full.'
    station.bag(aBag({ id: 1, verdict: 'alarm', tiers: { gun: 'alarm' } }))
    await arrives(live, 1, 'alarm')
    now += 2000
    await operator.decide('search')
    expect(operator.notice).toEqual({ text: 'NOT recorded: The disk is full.', bad: true })
    expect(operator.current?.decision).toBeNull()
    expect(operator.waiting).toHaveLength(1)
    end()
  })
})

describe('the connection', () => {
  it('is said to be lost at once, decisions stop, and it comes back with what happened meanwhile', async () => {
    const { station, live, operator, end } = await lane()
    station.bag(aBag({ id: 1 }))
    await arrives(live, 1, 'clear')
    now += 2000
    station.hangUp('The station closed the connection.')
    await vi.waitFor(() => expect(live.link).toBe('lost'))
    expect(live.why).toContain('closed the connection')
    await operator.decide('clear')
    expect(operator.notice?.text).toContain('NOT recorded')
    expect(station.decided).toHaveLength(0)
    station.bags = [aBag({ id: 2, verdict: 'alarm', tiers: { gun: 'alarm' } }), ...station.bags]
    await vi.waitFor(() => expect(live.connected).toBe(true), { timeout: 5000 })
    expect(operator.current?.id).toBe(2)
    end()
  })
})

describe('sound', () => {
  it('rings once a bag', () => {
    const sound = new Sound()
    expect([sound.ring(1), sound.ring(1), sound.ring(2)]).toEqual([true, false, true])
    expect(sound.rung).toBe(2)
  })
})
