// What a bag's facts are called on the screens: verdicts, decisions, outcomes, times, sizes.
import { posteriorInWords } from '../../domain/words'
import type { Bag, DecisionAction, OutcomeKind } from '../../shared/bag'
import { THREAT_CLASSES, type ThreatClass, type Tier, type Verdict } from '../../shared/classes'

export { posteriorInWords }
export { clockTime, dayOf, fieldHint, fieldTime, fromField, shortTime, when } from './time.svelte'

/** Alarms and bags that could not be screened: both need a person's decision. */
export const needsCare = (bag: Pick<Bag, 'verdict'>): boolean => bag.verdict === 'alarm' || bag.verdict === 'unscreenable'

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** How a bag is shown: its verdict, or that it has none yet. */
export type Shown = Verdict | 'screening'
export const shownAs = (bag: Pick<Bag, 'verdict'>): Shown => bag.verdict ?? 'screening'
export const SHOWN_WORDS: Record<Shown, string> = {
  alarm: 'Alarm',
  advisory: 'Advisory',
  clear: 'No alarm',
  unscreenable: 'Not screened',
  screening: 'Screening…',
}
export const TIER_WORDS: Record<Tier, string> = { alarm: 'ALARM', advisory: 'advisory', none: 'none' }
export const DECISION_WORDS: Record<DecisionAction, string> = { clear: 'cleared', search: 'searched', hold: 'held' }
export const OUTCOME_WORDS: Record<OutcomeKind, string> = {
  confirmed: 'confirmed',
  'false-alarm': 'false alarm',
  unsure: 'unsure',
  missed: 'missed',
}

/** Classes that reached a tier, worst posterior first. */
export function classesAt(bag: Bag, tier: Tier): ThreatClass[] {
  const { classes } = bag
  if (classes === null) return []
  return THREAT_CLASSES.filter((c) => classes[c].tier === tier).sort((a, b) => classes[b].posterior - classes[a].posterior)
}

const RANK: Record<Tier, number> = { none: 0, advisory: 1, alarm: 2 }
/** The class that a person should look at first: highest tier, then highest posterior. */
export function topClass(bag: Bag): ThreatClass | null {
  const { classes } = bag
  if (classes === null) return null
  const [first] = [...THREAT_CLASSES].sort(
    (a, b) => RANK[classes[b].tier] - RANK[classes[a].tier] || classes[b].posterior - classes[a].posterior,
  )
  return first ?? null
}

/** "42 s", "12:40", "3 h 05" */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  if (s < 60) return `${s} s`
  const two = (n: number): string => String(n).padStart(2, '0')
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))}`
}

export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = n > 0 ? Math.min(units.length - 1, Math.floor(Math.log10(n) / 3)) : 0
  const value = n / 1000 ** power
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power] ?? 'B'}`
}

export const count = (n: number): string => n.toLocaleString('en-US')
/** "1 bag", "2 bags" */
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`
/** two figures at most: 3.1, 12, 0.04 */
export const figure = (n: number): string =>
  n === 0 ? '0' : n >= 10 ? String(Math.round(n)) : n >= 1 ? n.toFixed(1) : n.toPrecision(1)
/** "1 in 3,900": two figures, a prevalence bears no more */
export const oneIn = (share: number): string => `1 in ${count(Number((1 / share).toPrecision(2)))}`
