// Where the station stands: its time zone, and the locale whose order of a date its people read.

/**
 * The IANA time zone and BCP 47 locale of this process. POSIX's own order decides the locale: LC_ALL, LC_TIME, LANG; where none names a
 * country (`C`, nothing, or on Windows) the runtime's.
 */
export function placeOf(env: NodeJS.ProcessEnv = process.env): { timeZone: string; locale: string } {
  const runtime = new Intl.DateTimeFormat().resolvedOptions()
  const named = [env['LC_ALL'], env['LC_TIME'], env['LANG']].find((value) => value !== undefined && value !== '')
  const tag = named?.split(/[.@]/, 1)[0]?.replaceAll('_', '-') ?? ''
  return { timeZone: runtime.timeZone, locale: isLocale(tag) ? tag : runtime.locale }
}

function isLocale(tag: string): boolean {
  try {
    return tag !== 'C' && tag !== 'POSIX' && Intl.DateTimeFormat.supportedLocalesOf(tag).length > 0
  } catch {
    return false
  }
}
