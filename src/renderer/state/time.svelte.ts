// How times are written, in one place: 24 hours, the station's zone and its order of a date; the year where it is not this one, the offset
// where the clock shows the same hour twice.
import { DateTime, FixedOffsetZone, IANAZone } from 'luxon'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const
type Part = 'day' | 'month' | 'year'

/** Writes and reads times of one place: an IANA time zone, and a locale whose order of day, month and year is followed (words stay English). */
export class TimeWords {
  readonly #zone: string
  readonly #order: readonly Part[]
  /** what stands between the numbers of a date in this locale: `.`, `/` or `-` */
  readonly #between: string

  /** An unknown zone or locale falls back to this machine's own. */
  constructor(timeZone?: string, locale?: string) {
    this.#zone = timeZone !== undefined && IANAZone.isValidZone(timeZone) ? timeZone : 'local'
    const parts = partsOf(locale) ?? partsOf(undefined) ?? []
    this.#order = parts.map(({ type }) => type).filter((type): type is Part => ['day', 'month', 'year'].includes(type))
    this.#between =
      parts
        .find(({ type }) => type === 'literal')
        ?.value.trim()
        .charAt(0) ?? '-'
  }

  #at(ms: number): DateTime {
    return DateTime.fromMillis(ms, { zone: this.#zone })
  }

  /** " +02:00" in an hour that the clock shows twice (the night the clocks go back), else nothing. */
  #offset(at: DateTime): string {
    return at.getPossibleOffsets().length > 1 ? at.toFormat(' ZZ') : ''
  }

  /** "14:07:31", with the offset where the hour is ambiguous */
  clock(ms: number): string {
    const at = this.#at(ms)
    return at.toFormat('HH:mm:ss') + this.#offset(at)
  }

  /** "14:07", with the offset where the hour is ambiguous */
  short(ms: number): string {
    const at = this.#at(ms)
    return at.toFormat('HH:mm') + this.#offset(at)
  }

  /** "21 Nov" or "Nov 21", with the year where it is not the year of `now` */
  date(ms: number, now: number): string {
    const at = this.#at(ms)
    const withYear = at.year !== this.#at(now).year
    const words: Record<Part, string> = { day: String(at.day), month: MONTHS[at.month - 1] ?? '', year: String(at.year) }
    const order = this.#order.filter((part) => part !== 'year' || withYear)
    return order.map((part) => words[part] + (part === 'day' && order.at(0) === 'month' && withYear ? ',' : '')).join(' ')
  }

  /** "14:07:31" on the day of `now`, "21 Nov, 14:07:31" on another day, "21 Nov 2025, 14:07:31" in another year */
  when(ms: number, now: number): string {
    return this.#at(ms).hasSame(this.#at(now), 'day') ? this.clock(ms) : `${this.date(ms, now)}, ${this.clock(ms)}`
  }

  /** The day that holds an instant, as instants: `from` its first, `to` the next day's first (so 23 to 25 hours later). */
  day(ms: number): { from: number; to: number } {
    const start = this.#at(ms).startOf('day')
    return { from: start.toMillis(), to: start.plus({ days: 1 }).startOf('day').toMillis() }
  }

  #pattern(): string {
    const token: Record<Part, string> = { day: 'dd', month: 'MM', year: 'yyyy' }
    return this.#order.map((part) => token[part]).join(this.#between)
  }

  /** How a time is typed here: "DD.MM.YYYY hh:mm". */
  get hint(): string {
    return `${this.#pattern().toUpperCase()} hh:mm`
  }

  /** An instant as a person would type it, to the minute: "28.11.2026 14:07", with the offset where the hour is ambiguous. */
  field(ms: number): string {
    const at = this.#at(ms)
    return at.toFormat(`${this.#pattern()} HH:mm`) + this.#offset(at)
  }

  /**
   * Reads what `field` writes, an ISO date, or a date alone (its midnight). Of an ambiguous hour without an offset, `end: 'to'` takes the
   * later instant and `'from'` the earlier, so that a period never leaves out what it names. Undefined where it can't be read.
   */
  parse(text: string, end: 'from' | 'to' = 'from'): number | undefined {
    const [, date = '', clock = '00:00', offset] =
      /^(\S+?)(?:[\sT,]+(\d{1,2}:\d{2}))?(?:\s*([+-]\d{2}:?\d{2}))?$/.exec(text.trim()) ?? []
    const zone = offset === undefined ? this.#zone : FixedOffsetZone.parseSpecifier(`UTC${offset}`)
    const loose = this.#pattern().replace('dd', 'd').replace('MM', 'M')
    for (const pattern of [loose, 'yyyy-M-d']) {
      const at = DateTime.fromFormat(`${date} ${clock}`, `${pattern} H:mm`, { zone })
      if (!at.isValid) continue
      const instants = at.getPossibleOffsets().map((possible) => possible.toMillis())
      return end === 'to' ? Math.max(...instants) : Math.min(...instants)
    }
    return undefined
  }
}

function partsOf(locale: string | undefined): Intl.DateTimeFormatPart[] | null {
  try {
    return new Intl.DateTimeFormat(locale, { calendar: 'gregory', numberingSystem: 'latn' }).formatToParts(0)
  } catch {
    return null
  }
}

let words = $state.raw(new TimeWords())
let known = ''
/** From now on times are the station's: its zone and its locale. */
export function useStationTime({ timeZone, locale }: { timeZone: string; locale: string }): void {
  if (known === `${timeZone} ${locale}`) return
  known = `${timeZone} ${locale}`
  words = new TimeWords(timeZone, locale)
}

/** The screens' own: as the methods of TimeWords, for the station's place. */
export const clockTime = (ms: number): string => words.clock(ms)
export const shortTime = (ms: number): string => words.short(ms)
export const when = (ms: number, now: number): string => words.when(ms, now)
export const dayOf = (ms: number): { from: number; to: number } => words.day(ms)
export const fieldTime = (ms: number | undefined): string => (ms === undefined ? '' : words.field(ms))
export const fromField = (text: string, end: 'from' | 'to' = 'from'): number | undefined => words.parse(text, end)
export const fieldHint = (): string => words.hint
