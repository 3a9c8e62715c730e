// A scan's key: the SHA-256 of its content, in hex. Worked out once, where the bytes are read, and carried along.
import { hash } from 'node:crypto'

/** Below this a digest takes less time than handing the bytes to another thread. */
const AT_ONCE = 128 * 1024

/** Off the main thread where that pays (libuv's pool, by WebCrypto). */
export async function keyOf(bytes: Uint8Array): Promise<string> {
  if (bytes.length < AT_ONCE) return hash('sha256', bytes, 'hex')
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Buffer.from(digest).toString('hex')
}
