// Who may talk to a served station: this machine's browser with the printed token, and no page of anybody else's.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { PATHS } from '../../shared/bridge'

export interface Asked {
  method: string
  /** path and query as sent */
  url: string
  headers: IncomingHttpHeaders
  /** a WebSocket upgrade */
  upgrade: boolean
}
export type Judgement =
  | { kind: 'pass' }
  /** the token was right: set the cookie and go on to `/`, so that the token leaves the address bar */
  | { kind: 'welcome'; cookie: string }
  /** a page of ours that wants to come back (returning.ts): who proves it gets the cookie */
  | { kind: 'return'; cookie: string; host: string }
  | { kind: 'refuse'; status: 400 | 401 | 403 | 421; why: string }

/** 256 random bits, safe in a URL. */
export const newToken = (): string => randomBytes(32).toString('base64url')

/** Compares in a time that tells nothing of where (or by how many characters) the two differ. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (s: string): Buffer => createHash('sha256').update(s).digest()
  return timingSafeEqual(digest(a), digest(b))
}

/**
 * Judges requests to the station on `port`. The cookie's secret is another than the token's, and its name holds the port: cookies know
 * no ports, and two stations on one machine must not overwrite each other's. `takeOnce`: whether a code opens the station this one time.
 */
export function createGuard(
  port: number,
  token: string,
  takeOnce: (offered: string) => boolean = () => false,
): (asked: Asked) => Judgement {
  const secret = newToken()
  const cookieName = `lanescope-${port}`
  const setCookie = `${cookieName}=${secret}; Path=/; HttpOnly; SameSite=Strict`
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`]
  const refuse = (status: 400 | 401 | 403 | 421, why: string): Judgement => ({ kind: 'refuse', status, why })

  return ({ method, url, headers, upgrade }) => {
    // A foreign name that resolves to 127.0.0.1 (DNS rebinding) shows in Host.
    const host = headers.host ?? ''
    if (!hosts.includes(host)) return refuse(421, 'This station answers to 127.0.0.1 and localhost only.')
    const { origin } = headers
    // Browsers name the page's origin on every upgrade and POST; whoever leaves it out there is no page of ours.
    const needsOrigin = upgrade || (method !== 'GET' && method !== 'HEAD')
    if (origin === undefined ? needsOrigin : origin !== `http://${host}`)
      return refuse(403, 'Another page may not talk to this station.')
    // Pages of other ports on this machine count as the same *site*, so their pictures and scripts would bring the cookie along.
    const from = headers['sec-fetch-site'] ?? 'none'
    if (from !== 'same-origin' && from !== 'none' && headers['sec-fetch-mode'] !== 'navigate')
      return refuse(403, 'Another page may not use what this station shows.')
    const given = URL.canParse(url, `http://${host}`) ? new URL(url, `http://${host}`) : null
    if (!given) return refuse(400, 'That is no address.')
    const offered = given.searchParams.get('token')
    if (offered !== null && given.pathname === '/' && method === 'GET' && !upgrade) {
      if (!sameSecret(offered, token) && !takeOnce(offered))
        return refuse(401, 'This address is not (or no longer) valid. Open the one that Lanescope printed when it started.')
      return { kind: 'welcome', cookie: setCookie }
    }
    // By number only: a name may lead to another program of this machine ([::1]), which could pass a page's proof on.
    if (given.pathname === PATHS.return && !upgrade && host === hosts[0]) return { kind: 'return', cookie: setCookie, host }
    const cookie = cookieOf(headers.cookie, cookieName)
    if (cookie === null || !sameSecret(cookie, secret))
      return refuse(401, 'Open the address that Lanescope printed when it started.')
    return { kind: 'pass' }
  }
}

function cookieOf(header: string | undefined, name: string): string | null {
  for (const part of header?.split(';') ?? []) {
    const [key, ...value] = part.trim().split('=')
    if (key === name) return value.join('=')
  }
  return null
}
