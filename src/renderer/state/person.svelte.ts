// Who is at the screen: asked once, kept on this machine, named on every decision and review. Accounts and roles come later, here.
const KEY = 'lanescope.person'
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
    try {
      localStorage.setItem(KEY, trimmed)
    } catch {
      // storage may be forbidden: the name then holds until the page is closed
    }
    return true
  }
}

function read(): string | null {
  try {
    const kept = localStorage.getItem(KEY)?.trim()
    return kept === undefined || kept === '' ? null : kept
  } catch {
    return null
  }
}
