// Codes that open the station once: an address in an argument list (`xdg-open …`, read by anyone with `ps`) is then worth nothing to a reader.
import { newToken, sameSecret } from './guard'

/** How long a code holds, ms: a browser that has to start first takes its time. */
const HOLDS = 120_000

export class OneTime {
  #code: { text: string; until: number } | null = null

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** A new code; the one before is void. */
  issue(): string {
    const text = newToken()
    this.#code = { text, until: this.now() + HOLDS }
    return text
  }

  /** Whether this is the code; it is void from then on. */
  take(offered: string): boolean {
    const code = this.#code
    if (code === null || this.now() > code.until || !sameSecret(offered, code.text)) return false
    this.#code = null
    return true
  }
}
