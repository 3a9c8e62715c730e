// Which bag is on the screen, and the protection of its decision; the lost connection. No timers: the test owns the clock.
import { flushSync } from 'svelte'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Live, QUEUE_MS } from '../../src/renderer/state/live.svelte'
import { LET_GO_MS, Operator, SECOND_PRESS_MS, SLIP_MS } from '../../src/renderer/state/operator.svelte'
import { Person } from '../../src/renderer/state/person.svelte'
import { LateDecision } from '../../src/renderer/state/late-decision.svelte'
import { Sound } from '../../src/renderer/state/sound.svelte'
import { View } from '../../src/renderer/state/view.svelte'
import { aBag, FakeStation, T0 } from './fake'

let now = T0
const clock = (): number => now
async function lane(): Promise<{ station: FakeStation; live: Live; operator: Operator; view: View; end: () => void }> {
  const station = new FakeStation(clock)
  const live = new Live(station.open, clock)
  const person = new Person(now)
  person.set('A. Operator', now)
  const view = new View()
  const operator = new Operator(live, person, view, clock)
  void live.run()
  await vi.waitFor(() => expect(live.connected).toBe(true))
  return {
    station,
    live,
    operator,
    view,
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

/** A person's own time passes: long enough that no key counts as a slip. */
const looks = (operator: Operator, ms = 1000): void => {
  now += ms
  operator.tick(now)
  flushSync()
}

describe('what a person begins on a bag', () => {
  it('belongs to that bag: a note typed while the next bag arrives is saved on its own bag, and only there', async () => {
    const { station, live, operator, end } = await lane()
    station.bag(aBag({ id: 1 }))
    await arrives(live, 1, 'clear')
    looks(operator)
    operator.writing = true
    operator.write(1, 'odd hinge')
    operator.writing = false
    flushSync()
    station.bag(aBag({ id: 2 }))
    await arrives(live, 2, 'clear')
    expect(operator.current?.id).toBe(1)
    operator.goLive()
    flushSync()
    expect([operator.current?.id, operator.note]).toEqual([2, ''])
    looks(operator)
    await operator.decide('clear')
    operator.recall(1)
    flushSync()
    expect(operator.note).toBe('odd hinge')
    await operator.decide('search')
    expect(station.decided.map(({ id, reason }) => [id, reason])).toEqual([
      [2, null],
      [1, 'odd hinge'],
    ])
    expect(operator.note).toBe('')
    end()
  })

  it('is not taken to the next bag by a field that was only entered', async () => {
    const { station, live, operator, end } = await lane()
    station.bag(aBag({ id: 1 }))
    await arrives(live, 1, 'clear')
    operator.writing = true
    flushSync()
    station.bag(aBag({ id: 2, verdict: 'alarm', tiers: { gun: 'alarm' } }))
    await arrives(live, 2, 'alarm')
    expect(operator.current?.id).toBe(1)
    expect(operator.others.map((b) => b.id)).toEqual([2])
    end()
  })

  it('is not wiped by the answer about another bag, and a failure is said although another bag is on the screen', async () => {
    const { station, live, operator, end } = await lane()
    for (const id of [1, 2]) station.bag(aBag({ id, verdict: 'alarm', tiers: { gun: 'alarm' } }))
    await arrives(live, 2, 'alarm')
    const answer = station.holdAnswers()
    operator.recall(1)
    flushSync()
    const first = operator.decide('search')
    operator.recall(2)
    flushSync()
    operator.write(2, 'two')
    expect(operator.busy).toBe(false) // the first bag’s decision is under way, this one’s is not
    looks(operator)
    await operator.decide('clear')
    expect(operator.armed).toBe(true)
    answer()
    await first
    flushSync()
    expect([operator.note, operator.armed, operator.current?.id]).toEqual(['two', true, 2])

    station.refuse = 'The disk is full.'
    operator.recall(1)
    flushSync()
    looks(operator)
    const failing = operator.decide('hold')
    operator.recall(2)
    await failing
    flushSync()
    expect(operator.failed).toEqual([{ bag: 1, text: 'NOT recorded: The disk is full.' }])
    expect(operator.notice?.text ?? '').not.toContain('disk')
    end()
  })

  it('is the log’s rule too: a late decision’s answer, failure and first press stay with their bag', async () => {
    const { station, live, end } = await lane()
    const bags = [1, 2].map((id) => station.bag(aBag({ id, verdict: 'alarm', tiers: { gun: 'alarm' } })))
    const [one, two] = bags
    if (one === undefined || two === undefined) throw new Error('no bags')
    await arrives(live, 2, 'alarm')
    const person = new Person(now)
    person.set('S. Supervisor', now)
    const late = new LateDecision(live, person, clock)
    await late.decide(one, 'clear')
    expect(late.armed).toBe(1)
    now += SECOND_PRESS_MS.from - 100 // a bounce
    await late.decide(one, 'clear')
    expect(station.decided).toHaveLength(0)
    station.refuse = 'The disk is full.'
    await late.decide(two, 'search')
    expect(late.error).toEqual({ bag: 2, text: 'NOT recorded: The disk is full.' })
    end()
  })
})

describe('a bag that someone looks at', () => {
  const touches: [string, (view: View) => void][] = [
    ['zoomed', (view) => view.zoomBy(1.25)],
    ['through an image function', (view) => view.toggle('negative')],
    ['at its heat', (view) => (view.heat = true)],
  ]
  it.each(touches)('is held (%s) until they let go; newer ones queue, an alarm among them is said', async (_, touch) => {
    const { station, live, operator, view, end } = await lane()
    station.bag(aBag({ id: 1 }))
    await arrives(live, 1, 'clear')
    touch(view)
    flushSync()
    station.bag(aBag({ id: 2 }))
    station.bag(aBag({ id: 3, verdict: 'alarm', tiers: { gun: 'alarm' } }))
    station.bag(aBag({ id: 4 }))
    await arrives(live, 4, 'clear')
    expect([operator.current?.id, operator.holding]).toEqual([1, true])
    expect(operator.newer.map((b) => b.id)).toEqual([4, 3, 2])
    expect(operator.others.map((b) => b.id)).toEqual([3])
    expect(view.touched).toBe(true)
    looks(operator, 120_000)
    expect(operator.current?.id).toBe(1)
    operator.goLive()
    flushSync()
    expect([operator.current?.id, view.touched]).toEqual([3, false])
    end()
  })

  it('stays a moment after the last function is off, then the lane goes on', async () => {
    const { station, live, operator, view, end } = await lane()
    station.bag(aBag({ id: 1 }))
    await arrives(live, 1, 'clear')
    view.toggle('negative')
    flushSync()
    station.bag(aBag({ id: 2 }))
    await arrives(live, 2, 'clear')
    view.showRaw()
    looks(operator, LET_GO_MS - 500)
    expect(operator.current?.id).toBe(1)
    looks(operator, 1000)
    expect(operator.current?.id).toBe(2)
    end()
  })

  it('is let go by its decision; the next bag starts unaltered', async () => {
    const { station, live, operator, view, end } = await lane()
    station.bag(aBag({ id: 1 }))
    await arrives(live, 1, 'clear')
    view.toggle('negative')
    flushSync()
    station.bag(aBag({ id: 2 }))
    await arrives(live, 2, 'clear')
    looks(operator)
    await operator.decide('clear')
    flushSync()
    expect(station.decided.map((d) => d.id)).toEqual([1])
    expect([operator.current?.id, view.raw]).toEqual([2, true])
    end()
  })

  it('is still there after more bags than the belt keeps', async () => {
    const { station, live, operator, view, end } = await lane()
    station.bag(aBag({ id: 1 }))
    await arrives(live, 1, 'clear')
    view.zoomBy(2)
    flushSync()
    for (let id = 2; id <= 300; id++) live.take({ type: 'bag', bag: aBag({ id }) })
    flushSync()
    expect(operator.current?.id).toBe(1)
    end()
  })

  it('passes undecided only when it left the screen without a decision, and only then is marked', async () => {
    const { station, live, operator, end } = await lane()
    const one = station.bag(aBag({ id: 1 }))
    await arrives(live, 1, 'clear')
    expect(operator.passed(one)).toBe(false)
    looks(operator)
    await operator.decide('clear')
    const two = station.bag(aBag({ id: 2 }))
    const south = station.bag(aBag({ id: 3, lane: 'South' }))
    const four = station.bag(aBag({ id: 4 }))
    await arrives(live, 4, 'clear')
    const decided = live.find(1)
    if (decided === null) throw new Error('no bag')
    expect([decided, two, south, four].map((b) => operator.passed(b))).toEqual([false, true, false, false])
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
