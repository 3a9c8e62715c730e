// Where the station stands: the locale whose order of a date its people read.
import { expect, it } from 'vitest'
import { placeOf } from '../../../src/main/station/place'

it('is read from the environment as POSIX orders it', () => {
  expect(placeOf({ LANG: 'en_US.UTF-8', LC_TIME: 'de_DE.UTF-8' }).locale).toBe('de-DE')
  expect(placeOf({ LC_ALL: 'sv_SE', LC_TIME: 'de_DE' }).locale).toBe('sv-SE')
  const runtime = new Intl.DateTimeFormat().resolvedOptions()
  for (const LANG of ['C', 'POSIX', 'C.UTF-8', '', 'not a locale!'])
    expect(placeOf({ LANG })).toEqual({ timeZone: runtime.timeZone, locale: runtime.locale })
})
