// The station's key, kept apart from what it signs: an Ed25519 key in a file of its own (0600), made at the first start.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { plainReason } from '../station/reasons'

export interface StationKey {
  /** SHA-256 of the public key, shortened: tells one key from another */
  id: string
  sign(text: string): Buffer
  verifies(text: string, signature: Uint8Array): boolean
}

const hasCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code

function keyFrom(privateKey: KeyObject): StationKey {
  const publicKey = createPublicKey(privateKey)
  return {
    id: createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex')
      .slice(0, 16),
    sign: (text) => sign(null, Buffer.from(text), privateKey),
    verifies: (text, signature) => verify(null, Buffer.from(text), publicKey, signature),
  }
}

/** The key in `file`; null where there is none. Throws in plain words where it cannot be read or is no Ed25519 key. */
export function readKey(file: string): StationKey | null {
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw new Error(`The key ${file} cannot be read: ${plainReason(error)}`, { cause: error })
  }
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is of the kind ${String(key.asymmetricKeyType)}`)
    return keyFrom(key)
  } catch (error) {
    throw new Error(`${file} holds no key of a station: move it away, or name another file with --key.`, { cause: error })
  }
}

/** Makes a key in `file` unless another process has just done so; returns the one that is there. */
export function makeKey(file: string): StationKey {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const { privateKey } = generateKeyPairSync('ed25519')
  const temporary = `${file}.${randomUUID()}`
  try {
    writeSynced(temporary, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    try {
      linkSync(temporary, file)
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
  } finally {
    unlinkSync(temporary)
  }
  syncFolder(dirname(file))
  const made = readKey(file)
  if (!made) throw new Error(`The key ${file} could not be kept.`)
  return made
}

export function writeSynced(file: string, content: string | Uint8Array): void {
  const fd = openSync(file, 'wx', 0o600)
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Makes new names in a folder durable, where the file system can. */
export function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    // some network shares and Windows can't sync a folder
  }
}
