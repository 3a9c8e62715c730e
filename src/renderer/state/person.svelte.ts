// Who is at the screen: asked once, kept on this machine, named on every decision and review. Accounts and roles come later, here.
const KEY = 'lanescope.person'
const YEAR_S = 31_536_000
/** EU rules limit looking at X-ray images without a break to 20 minutes. */
export const LOOKING_LIMIT_MS = 20 * 60_000

export class Person {
  name = $state<string | null>(null)
  /** true while the name is being asked */
  asking = $state(false)
  /** since when this person has been looking without a break, epoch ms */
  since = $state(0)

  constructor(now: number = Date.now()) {
    this.name = read()
    this.asking = this.name === null
    this.since = now
  }

  /** False where the name is empty or longer than the contract takes. */
  set(name: string, now: number = Date.now()): boolean {
    const trimmed = name.trim()
    if (trimmed === '' || trimmed.length > 80) return false
    this.name = trimmed
    this.asking = false
    this.since = now
    keep(trimmed)
    return true
  }
}

// A served station has another port each time, which to localStorage is another place, but not to a cookie; Electron's scheme has no cookies.
function keep(name: string): void {
  try {
    document.cookie = `${KEY}=${encodeURIComponent(name)}; Path=/; Max-Age=${YEAR_S}; SameSite=Strict`
    localStorage.setItem(KEY, name)
  } catch {
    // storage may be forbidden: the name then holds until the page is closed
  }
}

function read(): string | null {
  try {
    const cookie = document.cookie.split('; ').find((part) => part.startsWith(`${KEY}=`))
    const kept = (cookie === undefined ? localStorage.getItem(KEY) : decodeURIComponent(cookie.slice(KEY.length + 1)))?.trim()
    return kept === undefined || kept === '' || kept.length > 80 ? null : kept
  } catch {
    return null
  }
}
