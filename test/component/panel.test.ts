// Lamps, banner, belt: what an operator would notice.
import { cleanup, render, screen } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { THREAT_CLASSES } from '../../src/shared/classes'
import Banner from '../../src/renderer/parts/Banner.svelte'
import Belt from '../../src/renderer/parts/Belt.svelte'
import Lamps from '../../src/renderer/parts/Lamps.svelte'
import { onScale } from '../../src/renderer/state/policies.svelte'
import { aBag, aPolicy } from './fake'

afterEach(cleanup)
// jsdom lays nothing out, so it has no scrolling either
Element.prototype.scrollIntoView = () => undefined
const searched = { action: 'search' as const, person: 'A. Operator', reason: null, at: 0, seconds: 1 }
const judging = {
  policy: aPolicy,
  ticks: Object.fromEntries(THREAT_CLASSES.map((c) => [c, { advisory: 0.01, alarm: 0.1 }])) as Record<
    (typeof THREAT_CLASSES)[number],
    { advisory: number; alarm: number }
  >,
}

describe('lamps', () => {
  it('say each class, its tier in a word and a shape, and the chance in words', () => {
    const bag = aBag({
      verdict: 'alarm',
      tiers: { gun: 'alarm', pliers: 'advisory' },
      posteriors: { gun: 1 / 12, pliers: 1 / 60, knife: 1e-7 },
    })
    const { container } = render(Lamps, { bag, judging, heat: null, choose: () => undefined })
    expect(container.querySelectorAll('li')).toHaveLength(5)
    const gun = screen.getByTestId('lamp-gun')
    expect(gun.textContent).toContain('ALARM')
    expect(gun.textContent).toContain('about 1 in 12')
    expect(gun.querySelector('svg.alarm')).not.toBeNull()
    const pliers = screen.getByTestId('lamp-pliers')
    expect(pliers.textContent).toContain('advisory')
    expect(pliers.querySelector('svg.advisory')).not.toBeNull()
    expect(screen.getByTestId('lamp-knife').textContent).toContain('less than 1 in 100,000')
    expect(screen.getByTestId('lamp-knife').textContent).not.toMatch(/ALARM|advisory/)
  })

  it('put both thresholds on the bar as ticks, the alarm’s further right, and the bar past a threshold that was reached', () => {
    const bag = aBag({ verdict: 'alarm', tiers: { gun: 'alarm' }, posteriors: { gun: 0.3 } })
    render(Lamps, { bag, judging, heat: null, choose: () => undefined })
    const style = (selector: string, of: 'left' | 'width'): number =>
      parseFloat(screen.getByTestId('lamp-gun').querySelector<HTMLElement>(selector)?.style[of] ?? 'NaN')
    expect(style('.advisory-tick', 'left')).toBeLessThan(style('.alarm-tick', 'left'))
    expect(style('.fill', 'width')).toBeGreaterThan(style('.alarm-tick', 'left'))
  })

  it('never look like clear while a bag is being screened, or when it could not be', () => {
    for (const [verdict, words] of [
      [null, 'screening'],
      ['unscreenable', 'not screened'],
    ] as const) {
      render(Lamps, { bag: aBag({ verdict }), judging: null, heat: null, choose: () => undefined })
      expect(screen.getByTestId('lamp-gun').textContent).toContain(words)
      expect(screen.getByTestId('lamp-gun').querySelector('svg.none')).toBeNull()
      cleanup()
    }
  })

  it('choose the heat of a class when pressed', () => {
    const choose = vi.fn()
    render(Lamps, { bag: aBag(), judging, heat: 'knife', choose })
    screen.getByRole('button', { name: /Scissors/ }).click()
    expect(choose).toHaveBeenCalledWith('scissors')
    expect(screen.getByRole('button', { name: /Knife/ }).getAttribute('aria-pressed')).toBe('true')
  })
})

describe('the scale of the bars', () => {
  it('is monotone in the chance, ends held, and holds zero and one', () => {
    const chances = [0, 1e-9, 1e-6, 1e-4, 0.01, 0.5, 0.99, 0.999, 1]
    const places = chances.map(onScale)
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(places.at(0)).toBe(0)
    expect(places.at(-1)).toBe(1)
    expect(onScale(0.01)).toBeGreaterThan(0.3)
  })
})

describe('banner', () => {
  it('shouts an alarm with its classes, worst first, and the chance beside the lane’s own rarity', () => {
    const bag = aBag({ verdict: 'alarm', tiers: { knife: 'alarm', gun: 'alarm' }, posteriors: { gun: 0.1, knife: 0.5 } })
    render(Banner, { bag, judging })
    const banner = screen.getByTestId('banner')
    expect(screen.getByRole('heading').textContent).toMatch(/Alarm · knife, gun/)
    expect(banner.textContent).toContain('Chance of a knife: about 1 in 2 (on this lane 1 in 4,000 bags has one)')
  })

  it('is as loud for a bag that could not be screened: the reason, and what to do', () => {
    render(Banner, { bag: aBag({ verdict: 'unscreenable' }), judging: null })
    const banner = screen.getByTestId('banner')
    expect(banner.textContent).toContain('The file ends too early.')
    expect(banner.textContent).toContain('Search this bag by hand.')
  })

  it('says of a bag without a verdict that it is not clear', () => {
    render(Banner, { bag: aBag({ verdict: null }), judging: null })
    expect(screen.getByTestId('banner').textContent).toContain('No verdict yet. This bag is not clear.')
  })
})

describe('the three states of a bag', () => {
  const alarm = { verdict: 'alarm' as const, tiers: { gun: 'alarm' as const } }
  it('are told apart on the banner: an undecided alarm, a decided one with decision and person, calm', () => {
    for (const [bag, standing, says] of [
      [aBag(alarm), 'undecided', 'Start at the frame, then the whole bag.'],
      [aBag({ ...alarm, decision: searched }), 'decided', 'searched · A. Operator'],
      [aBag({ verdict: 'unscreenable', decision: { ...searched, action: 'clear' } }), 'decided', 'cleared · A. Operator'],
      [aBag({ decision: searched }), 'calm', 'No alarm'],
    ] as const) {
      render(Banner, { bag, judging: null })
      const banner = screen.getByTestId('banner')
      expect(banner.dataset['standing']).toBe(standing)
      expect(banner.textContent).toContain(says)
      cleanup()
    }
  })

  it('are told apart on the belt, for eyes and for ears; a bag that passed without a decision is marked', () => {
    const bags = [
      aBag({ id: 5 }),
      aBag({ id: 4, ...alarm }),
      aBag({ id: 3, ...alarm, decision: searched }),
      aBag({ id: 2 }),
      aBag({ id: 1, decision: { ...searched, action: 'clear' } }),
    ]
    render(Belt, { bags, current: 5, passed: (b: { id: number }) => b.id === 2, recall: () => undefined })
    const tiles = screen.getAllByTestId('belt-bag')
    expect(tiles.map((t) => t.dataset['standing'])).toEqual(['calm', 'undecided', 'decided', 'calm', 'calm'])
    expect(tiles.map((t) => /undecided|searched · A\. Operator|cleared/.exec(t.textContent)?.[0] ?? '')).toEqual([
      '',
      'undecided',
      'searched · A. Operator',
      'undecided',
      'cleared',
    ])
    expect(tiles[3]?.getAttribute('aria-label')).toMatch(/No alarm, undecided/)
    expect(tiles[2]?.getAttribute('aria-label')).toMatch(/Alarm gun, searched by A\. Operator/)
  })
})

describe('lanes', () => {
  it('are named on the banner and, where there are two, on every bag of the belt, each in its own shape', () => {
    const lanes = ['North', 'South']
    render(Banner, { bag: aBag({ lane: 'South' }), judging: null, lanes })
    expect(screen.getByTestId('lane-tag').textContent).toBe('South')
    cleanup()
    const bags = [aBag({ id: 2, lane: 'South' }), aBag({ id: 1, lane: 'North' })]
    render(Belt, { bags, current: 2, lanes, recall: () => undefined })
    const tags = screen.getAllByTestId('lane-tag')
    expect(tags.map((t) => t.textContent)).toEqual(['South', 'North'])
    expect(tags[0]?.className).not.toBe(tags[1]?.className)
    expect(screen.getAllByTestId('belt-bag')[0]?.getAttribute('aria-label')).toContain('of South')
    cleanup()
    render(Belt, { bags, current: 2, lanes: ['North'], recall: () => undefined })
    expect(screen.queryByTestId('lane-tag')).toBeNull()
  })
})

describe('belt', () => {
  it('names every bag with its verdict and decision for those who cannot see the edge, and recalls by click', () => {
    const decision = { action: 'search' as const, person: 'A', reason: null, at: 0, seconds: 1 }
    const bags = [
      aBag({ id: 3, verdict: null }),
      aBag({ id: 2, verdict: 'alarm', tiers: { gun: 'alarm' }, decision }),
      aBag({ id: 1, verdict: 'unscreenable' }),
    ]
    const recall = vi.fn()
    render(Belt, { bags, current: 2, recall })
    const names = screen.getAllByTestId('belt-bag').map((b) => b.getAttribute('aria-label'))
    expect(names[0]).toMatch(/Screening/)
    expect(names[1]).toMatch(/Alarm gun, searched by A/)
    expect(names[2]).toMatch(/Not screened/)
    screen.getAllByTestId('belt-bag')[2]?.click()
    expect(recall).toHaveBeenCalledWith(1)
    expect(screen.getAllByTestId('belt-bag')[1]?.getAttribute('aria-current')).toBe('true')
  })

  it('holds at least fifty bags', () => {
    render(Belt, { bags: Array.from({ length: 200 }, (_, i) => aBag({ id: 200 - i })), current: 200, recall: () => undefined })
    expect(screen.getAllByTestId('belt-bag').length).toBeGreaterThanOrEqual(50)
  })
})
