// Folders, bags and records for store and station tests. Everything real: SQLite files, archive files.
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openStore, type Store } from '../../../src/main/store'
import type { ScreenedRecord } from '../../../src/main/station/ports'
import { mapClasses, type ThreatClass, type Tier, type Verdict } from '../../../src/shared/classes'

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

/** A screened record; `tiers` of the classes that are not 'none'. */
export function record(verdict: Verdict, tiers: Partial<Record<ThreatClass, Tier>> = {}, screenedAt = 1): ScreenedRecord {
  const flagged = verdict !== 'unscreenable'
  return {
    verdict,
    reason: flagged ? null : 'The scan is damaged.',
    width: flagged ? 640 : null,
    height: flagged ? 480 : null,
    classes: flagged
      ? mapClasses((c, i) => ({
          logits: [i + 0.25, i - 0.5, 1 - i],
          fused: i / 3,
          posterior: 0.001 * (i + 1),
          tier: tiers[c] ?? 'none',
          peak: { x: 0.125 * (i + 1), y: 0.5 },
        }))
      : null,
    statistics: flagged ? { brightness: 101.5, background: 250, aspect: 1.5, bagShare: 0.4 } : null,
    model: flagged ? 'chr@1' : null,
    policy: flagged ? 1 : null,
    provider: flagged ? 'cpu' : null,
    ms: flagged ? { decode: 1.5, infer: 20, total: 22 } : null,
    screenedAt,
    heatmap: null,
  }
}
