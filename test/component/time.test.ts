// Times as people read them: the year where it is not this one, the offset where the hour is ambiguous, 24 hours, the station's own order.
import { afterEach, describe, expect, it } from 'vitest'
import { clockTime, fieldTime, TimeWords, useStationTime, when } from '../../src/renderer/state/time.svelte'

const berlin = new TimeWords('Europe/Berlin', 'de-DE')
const newYork = new TimeWords('America/New_York', 'en-US')
const utc = (text: string): number => Date.parse(`${text}Z`)

describe('a time', () => {
  it('has 24 hours and no AM or PM, whatever the locale', () => {
    for (const locale of ['en-US', 'de-DE', 'ja-JP', 'ar-EG', 'hi-IN', 'ko-KR']) {
      const words = new TimeWords('UTC', locale)
      expect(words.clock(utc('2026-11-28T00:05:09'))).toBe('00:05:09')
      expect(words.clock(utc('2026-11-28T15:05:09'))).toBe('15:05:09')
      expect(words.field(utc('2026-11-28T15:05:00'))).toMatch(/15:05$/)
    }
  })

  it('shows the year where it is not this one, and the day where it is not today', () => {
    const now = utc('2026-01-01T12:00')
    expect(berlin.when(utc('2026-01-01T08:00'), now)).toBe('09:00:00')
    expect(berlin.when(utc('2025-12-31T08:00'), now)).toBe('31 Dec 2025, 09:00:00')
    expect(berlin.when(utc('2026-01-02T08:00'), now)).toBe('2 Jan, 09:00:00')
    expect(newYork.when(utc('2025-12-31T20:00'), now)).toBe('Dec 31, 2025, 15:00:00')
  })

  it('follows the order of the station’s locale', () => {
    const at = utc('2026-03-04T12:00')
    const now = utc('2026-11-28T12:00')
    const dates = ['en-GB', 'en-US', 'sv-SE', 'ja-JP'].map((locale) => new TimeWords('UTC', locale).date(at, now))
    expect(dates).toEqual(['4 Mar', 'Mar 4', 'Mar 4', 'Mar 4'])
    const fields = ['en-GB', 'en-US', 'de-DE', 'sv-SE'].map((locale) => new TimeWords('UTC', locale).field(at))
    expect(fields).toEqual(['04/03/2026 12:00', '03/04/2026 12:00', '04.03.2026 12:00', '2026-03-04 12:00'])
  })

  it('says the offset in the hour that the clock shows twice, and in no other', () => {
    expect(berlin.clock(utc('2026-10-25T00:30'))).toBe('02:30:00 +02:00')
    expect(berlin.clock(utc('2026-10-25T01:30'))).toBe('02:30:00 +01:00')
    expect(berlin.short(utc('2026-10-25T01:30'))).toBe('02:30 +01:00')
    expect(berlin.clock(utc('2026-10-24T23:59'))).toBe('01:59:00')
    expect(berlin.clock(utc('2026-10-25T02:00'))).toBe('03:00:00')
    expect(newYork.clock(utc('2026-11-01T05:30'))).toBe('01:30:00 -04:00')
    // the night the clocks go forward has no hour twice
    expect(berlin.clock(utc('2026-03-29T01:30'))).toBe('03:30:00')
    // half an hour twice, at Lord Howe
    expect(new TimeWords('Australia/Lord_Howe', 'en-AU').clock(utc('2026-04-04T15:15'))).toBe('01:45:00 +10:30')
  })
})

describe('a day', () => {
  it('ends at the next midnight, also where it has 23 or 25 hours', () => {
    const hours = (at: string): number => {
      const { from, to } = berlin.day(utc(at))
      return (to - from) / 3_600_000
    }
    expect([hours('2026-03-29T12:00'), hours('2026-10-25T12:00'), hours('2026-11-28T12:00')]).toEqual([23, 25, 24])
    expect(berlin.day(utc('2026-11-27T23:30'))).toEqual({ from: utc('2026-11-27T23:00'), to: utc('2026-11-28T23:00') })
  })

  it('begins at its first instant where there is no midnight', () => {
    const { from } = new TimeWords('America/Santiago', 'es-CL').day(utc('2026-09-06T15:00'))
    expect(new TimeWords('America/Santiago', 'es-CL').clock(from)).toBe('01:00:00')
  })
})

describe('a typed time', () => {
  it('comes back as it was written, in every order', () => {
    for (const words of [berlin, newYork, new TimeWords('Asia/Tokyo', 'ja-JP'), new TimeWords('Europe/Stockholm', 'sv-SE')])
      for (const at of ['2026-11-28T14:07', '2026-02-03T23:59', '2026-10-25T00:30', '2026-10-25T01:30'].map(utc))
        expect(words.parse(words.field(at))).toBe(at)
  })

  it('is read as a person writes it: one figure, ISO, a date alone', () => {
    expect(berlin.parse('3.4.2026 9:05')).toBe(utc('2026-04-03T07:05'))
    expect(berlin.parse('2026-04-03T09:05')).toBe(utc('2026-04-03T07:05'))
    expect(berlin.parse('03.04.2026')).toBe(utc('2026-04-02T22:00'))
    expect(newYork.parse('4/3/2026 9:05')).toBe(utc('2026-04-03T13:05'))
  })

  it('takes the whole of an ambiguous hour into a period, and an offset at its word', () => {
    expect(berlin.parse('25.10.2026 02:30', 'from')).toBe(utc('2026-10-25T00:30'))
    expect(berlin.parse('25.10.2026 02:30', 'to')).toBe(utc('2026-10-25T01:30'))
    expect(berlin.parse('25.10.2026 02:30 +01:00', 'from')).toBe(utc('2026-10-25T01:30'))
  })

  it('is refused where it is none', () => {
    for (const text of ['', 'yesterday', '31.02.2026 10:00', '28.11.2026 25:00', '28.11.2026 10:61', '2.30 PM'])
      expect(berlin.parse(text)).toBeUndefined()
  })
})

describe('the station’s place', () => {
  afterEach(() => useStationTime({ timeZone: 'UTC', locale: 'en-GB' }))

  it('decides what the screens write', () => {
    const at = utc('2025-11-28T12:00')
    useStationTime({ timeZone: 'America/New_York', locale: 'en-US' })
    expect([clockTime(at), when(at, utc('2026-11-28T12:00')), fieldTime(at)]).toEqual([
      '07:00:00',
      'Nov 28, 2025, 07:00:00',
      '11/28/2025 07:00',
    ])
    useStationTime({ timeZone: 'no such zone', locale: 'no such locale' })
    expect(clockTime(at)).toMatch(/^\d\d:00:00$/)
  })
})
