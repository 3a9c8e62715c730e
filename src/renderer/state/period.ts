// The log's periods: names for spans of time that move with the clock, as instants.
import { dayOf } from './words'

export const PERIODS = {
  any: 'any time',
  hour: 'last hour',
  today: 'today',
  yesterday: 'yesterday',
  day: 'last 24 hours',
  week: 'last 7 days',
  own: 'from … to',
} as const
export type Period = keyof typeof PERIODS
/** Periods that are over sooner or later: they are reckoned anew whenever the list is loaded. */
export type NamedPeriod = Exclude<Period, 'any' | 'own'>
export const NAMED: readonly NamedPeriod[] = ['hour', 'today', 'yesterday', 'day', 'week']

const HOUR = 3_600_000
/** A period's instants, `from` inclusive, `to` exclusive. A day is the station's own: 23 to 25 hours, midnight to midnight. */
export function spanOf(period: NamedPeriod, now: number): { from: number; to?: number } {
  switch (period) {
    case 'hour':
      return { from: now - HOUR }
    case 'today':
      return dayOf(now)
    case 'yesterday':
      return dayOf(dayOf(now).from - 1)
    case 'day':
      return { from: now - 24 * HOUR }
    case 'week':
      return { from: now - 7 * 24 * HOUR }
  }
}
