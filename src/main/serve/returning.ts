// Lets a page that was in come back to a restarted station by itself.
//
// The cookie cannot do it: while the station is down another program of this machine may listen on its port, and every open page would hand
// it the cookie. So a cookie dies with its station, and a page that is in gets a *pass*: an id and a key that only it and the station know.
// A restarted station gives it a nonce, and it answers with an HMAC over nonce and host under that key. Nothing that it sends is of use to
// who hears it: the nonce holds once and for this run alone, and the host names the port, so that an answer got out of a page on a stolen port
// opens no station on another.
import { createHmac, randomBytes } from 'node:crypto'
import { sameSecret } from './guard'

/** Nonces given out at a time, and how long one holds, ms. */
const NONCES = 64
const NONCE_MS = 30_000

export interface Pass {
  id: string
  /** base64url */
  key: string
}
export interface Proof {
  id: string
  nonce: string
  /** HMAC-SHA-256 over `NONCE HOST` under the pass's key, base64url */
  proof: string
}

export class Returning {
  readonly #nonces = new Map<string, number>()

  /** `key`: the station's own, the same after a restart; every pass's key comes from it, so none has to be kept. */
  constructor(
    private readonly key: Uint8Array,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** A pass for a page that is in. */
  pass(): Pass {
    const id = randomBytes(16).toString('base64url')
    return { id, key: this.#keyOf(id).toString('base64url') }
  }

  nonce(): string {
    const nonce = randomBytes(32).toString('base64url')
    this.#nonces.set(nonce, this.now() + NONCE_MS)
    const oldest = this.#nonces.keys().next().value
    if (this.#nonces.size > NONCES && oldest !== undefined) this.#nonces.delete(oldest)
    return nonce
  }

  /** Whether this is a page that was in. `host`: the Host header of its request, found to be ours. */
  accepts({ id, nonce, proof }: Proof, host: string): boolean {
    const until = this.#nonces.get(nonce)
    this.#nonces.delete(nonce)
    if (until === undefined || this.now() > until) return false
    return sameSecret(proof, createHmac('sha256', this.#keyOf(id)).update(`${nonce} ${host}`).digest('base64url'))
  }

  #keyOf(id: string): Buffer {
    return createHmac('sha256', this.key).update(`pass ${id}`).digest()
  }
}
