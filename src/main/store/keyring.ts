// Finds the station's key and the head kept beside it, makes both for a new record, and replaces a key that is gone.
import { existsSync, renameSync } from 'node:fs'
import type { Chain, Signer } from './chain'
import { HeadFile } from './head-file'
import { makeKey, readKey, type StationKey } from './key'

/** The head of the chain stands beside the key, under its name. */
export const headFileOf = (keyFile: string): string => `${keyFile}.head`

const signerOf = (keyFile: string, key: StationKey, failed: (error: unknown) => void): Signer => ({
  key,
  headFile: new HeadFile(headFileOf(keyFile), key, failed),
})

/** What is there already; null without a key. Throws in plain words where the key cannot be read. */
export function findSigner(keyFile: string): Signer | null {
  const key = readKey(keyFile)
  return key && signerOf(keyFile, key, () => undefined)
}

/**
 * The key in `keyFile`, made for a record that has none yet. `replace`: a station that finds its key gone makes another and goes on (`isNew`);
 * others get null.
 */
export function openSigner(
  keyFile: string,
  { hasChain, replace, failed }: { hasChain: boolean; replace: boolean; failed: (error: unknown) => void },
): { signer: Signer | null; isNew: boolean } {
  const key = readKey(keyFile)
  if (key) return { signer: signerOf(keyFile, key, failed), isNew: false }
  if (hasChain && !replace) return { signer: null, isNew: false }
  const head = headFileOf(keyFile)
  // the former key's head says nothing to the new key
  if (hasChain && existsSync(head)) renameSync(head, `${head}.former`)
  HeadFile.make(head)
  return { signer: signerOf(keyFile, makeKey(keyFile), failed), isNew: hasChain }
}

/** Whether nothing was ever signed: neither in the database nor beside the key. */
export const isUnsigned = (chain: Chain): boolean =>
  chain.head() === null && chain.hashAt(1) === null && chain.signer?.headFile.read() === 'none'
