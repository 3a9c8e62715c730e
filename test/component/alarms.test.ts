// The Alarms screen's state: it follows what others save without asking for every version again, and keeps a draft that was begun.
import { flushSync } from 'svelte'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { histogramOf } from '../../src/domain/curves'
import { withThreshold } from '../../src/domain/thresholds'
import { Alarms } from '../../src/renderer/state/alarms.svelte'
import { Live } from '../../src/renderer/state/live.svelte'
import { Person } from '../../src/renderer/state/person.svelte'
import { mapClasses } from '../../src/shared/classes'
import type { Policy, PolicyDraft } from '../../src/shared/policy'
import { aBag, aPolicy, FakeStation } from './fake'

/** A station that keeps policies and counts what it was asked. */
function tunable() {
  const station = new FakeStation()
  const policies: Policy[] = [aPolicy]
  const asked: string[] = []
  const answer = <T>(name: string, value: T): Promise<T> => {
    asked.push(name)
    return Promise.resolve(value)
  }
  const newest = (): Policy => policies.at(-1) ?? aPolicy
  const save = (draft: PolicyDraft, author: string): Policy => {
    const made = { ...newest(), ...draft, version: newest().version + 1, author }
    policies.push(made)
    station.say({ type: 'policy', version: made.version })
    return made
  }
  const none = { benign: [], positives: mapClasses(() => []) }
  const of = { class: 'gun', histogram: histogramOf(none, 'gun'), curve: [], benign: 0, positives: 0 }
  Object.assign(station.client.policy, {
    current: () => answer('current', newest()),
    list: () => answer('list', [...policies].reverse()),
    get: ({ version }: { version: number }) =>
      answer(
        `get ${version}`,
        policies.find((p) => p.version === version),
      ),
    try: () => answer('try', { promises: mapClasses(() => ({})), anyAlarm: null, replay: null, warnings: [] }),
    save: ({ draft, person }: { draft: PolicyDraft; person: string }) => answer('save', save(draft, person)),
  })
  Object.assign(station.client, {
    alarms: {
      of: () => answer('of', of),
      drift: () => answer('drift', { state: 'steady', signals: [], prevalence: null }),
    },
  })
  return { station, policies, asked, save }
}

async function screen() {
  const made = tunable()
  const live = new Live(made.station.open)
  const person = new Person()
  person.set('S. Supervisor')
  const alarms = new Alarms(live, person)
  const leave = alarms.enter()
  void live.run()
  await vi.waitFor(() => expect(alarms.of).not.toBeNull())
  await vi.waitFor(() => expect(made.asked).toContain('try'))
  const end = (): void => {
    live.stop()
    alarms.stop()
  }
  return { ...made, live, alarms, leave, end }
}
const stricter = (draft: PolicyDraft): PolicyDraft => withThreshold(draft, 'knife', 'alarm', 9, { kind: 'hand' })

beforeEach(() => localStorage.clear())

describe('policies that others save', () => {
  it('are taken up by themselves, one version at a time, and never the whole list again', async () => {
    const { alarms, asked, save, end } = await screen()
    for (const version of [2, 3, 4]) {
      save(stricter(aPolicy), 'B. Other')
      await vi.waitFor(() =>
        expect(alarms.versions.map((v) => v.version)).toEqual(Array.from({ length: version }, (_, i) => version - i)),
      )
    }
    expect(alarms.inForce?.version).toBe(4)
    expect(alarms.draft?.classes.knife.alarm.threshold).toBe(9)
    expect(asked.filter((a) => a === 'list')).toHaveLength(1)
    expect(asked.filter((a) => a.startsWith('get'))).toEqual(['get 2', 'get 3', 'get 4'])
    end()
  })

  it('a draft that was begun is kept, and a person is told', async () => {
    const { alarms, save, end } = await screen()
    alarms.move('alarm', 7)
    save(stricter(aPolicy), 'B. Other')
    await vi.waitFor(() => expect(alarms.inForce?.version).toBe(2))
    expect(alarms.draft?.classes.gun.alarm.threshold).toBe(7)
    expect(alarms.changed).toBe(true)
    expect(alarms.notice?.text).toContain('B. Other')
    end()
  })

  it('are asked for when the screen is opened, not while it is closed; none is missed', async () => {
    const { alarms, asked, save, leave, end } = await screen()
    leave()
    const before = asked.length
    save(stricter(aPolicy), 'B. Other')
    save(stricter(aPolicy), 'B. Other')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(asked).toHaveLength(before)
    alarms.enter()
    await vi.waitFor(() => expect(alarms.versions.map((v) => v.version)).toEqual([3, 2, 1]))
    end()
  })

  it('one’s own comes into force once, with an empty draft', async () => {
    const { alarms, end } = await screen()
    alarms.move('alarm', 7)
    alarms.reason = 'a test'
    await alarms.save()
    await vi.waitFor(() => expect(alarms.versions.map((v) => v.version)).toEqual([2, 1]))
    expect(alarms.changed).toBe(false)
    expect(alarms.notice?.text).toBe('Policy 2 is in force.')
    end()
  })
})

describe('thresholds by hand', () => {
  it('taking hold of one changes nothing; moving it draws the other along by the domain’s own rule', async () => {
    const { alarms, end } = await screen()
    const before = alarms.draft
    if (before === null) throw new Error('no draft')
    alarms.hold('advisory')
    alarms.move('alarm', before.classes.gun.alarm.threshold)
    expect(alarms.draft).toBe(before)
    expect(alarms.tier).toBe('alarm')
    alarms.move('alarm', -50)
    expect(alarms.draft).toEqual(withThreshold(before, 'gun', 'alarm', -50, { kind: 'hand' }))
    expect(alarms.draft?.classes.gun.advisory.threshold).toBe(-50)
    alarms.move('alarm', Number.NaN)
    expect(alarms.draft?.classes.gun.alarm.threshold).toBe(-50)
    end()
  })
})

describe('the drift view', () => {
  it('follows the lane while it is shown, with one question on its way at most', async () => {
    const { alarms, asked, live, end } = await screen()
    const drifts = (): number => asked.filter((a) => a === 'drift').length
    live.update(aBag({ id: 1 }))
    flushSync()
    expect(drifts()).toBe(0)
    alarms.tab = 'drift'
    for (let id = 2; id < 40; id++) live.update(aBag({ id }))
    await vi.waitFor(() => expect(alarms.drift?.state).toBe('steady'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(drifts()).toBe(2)
    live.update(aBag({ id: 40 }))
    await vi.waitFor(() => expect(drifts()).toBe(3))
    end()
  })
})
