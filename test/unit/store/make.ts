// Folders, bags and records for store and station tests. Everything real: SQLite files, archive files.
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openStore, type Store } from '../../../src/main/store'

export { record } from './screened'

/** A new folder that goes when the test ends. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lanescope-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const sha = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A store that is closed when the test ends, with a clock that the test moves. */
export function tempStore(folder = tempFolder()): { store: Store; folder: string; clock: { at: number; now: () => number } } {
  const clock = { at: 1_800_000_000_000, now: () => clock.at }
  const store = openStore({ folder, clock })
  onTestFinished(() => store.close())
  return { store, folder, clock }
}
