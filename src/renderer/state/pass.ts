// How a page comes back to a restarted station: the pass that it was given while it was in (src/main/serve/returning.ts says why so).
import { PATHS, type ServedPass } from '../../shared/bridge'

const ANSWER_MS = 5000

/** In memory only, and its key can be used but not read: what a reload forgets, nobody can find. */
let pass: { id: string; key: CryptoKey; build: string } | null = null

/** Asks for a pass, once. Never rejects: without one this page needs the new address after a restart. */
export async function keepPass(): Promise<void> {
  if (pass !== null) return
  try {
    const { id, key, build } = (await ask(PATHS.pass)) as ServedPass
    pass = {
      id,
      build,
      key: await crypto.subtle.importKey('raw', bytesOf(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']),
    }
  } catch {
    // asked for again at the next connection
  }
}

/** Proves to the station that this page was in. True when it is again; a page of another build than the station's is loaded anew. */
export async function comeBack(): Promise<boolean> {
  if (pass === null) return false
  try {
    const { nonce } = (await ask(PATHS.return)) as { nonce: string }
    const said = new TextEncoder().encode(`${nonce} ${location.host}`)
    const proof = textOf(new Uint8Array(await crypto.subtle.sign('HMAC', pass.key, said)))
    const { build } = (await ask(PATHS.return, { id: pass.id, nonce, proof })) as { build: string }
    if (build !== pass.build) location.reload()
    return true
  } catch {
    return false
  }
}

async function ask(path: string, sent?: object): Promise<unknown> {
  const post = sent && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(sent) }
  const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS), ...post })
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return answer.json()
}

// base64url
const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
const textOf = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
