// Power cuts: a writing process is frozen at random moments and its files are copied as they are. CUTS and SEED choose how many and which
// (npm run soak: 200).
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { doChore } from '../../../src/main/store/chores'
import { openStore } from '../../../src/main/store'
import { built } from '../inference/built'
import { tempFolder } from './make'

const CUTS = Number(process.env['CUTS'] ?? 12)
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

/** Mulberry32: the same moments for the same seed, as far as the machine's own timing lets them be. */
function randoms(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

test.skipIf(process.platform === 'win32')(
  `${CUTS} power cuts (seed ${SEED}): nothing told is lost, the pages are whole, and the record is not called tampered`,
  async () => {
    console.log(`power cuts: ${CUTS}, seed ${SEED}`)
    const { entry } = await built('power-cut', join(import.meta.dirname, 'writer-child.ts'))
    const folder = tempFolder()
    const child = spawn(process.execPath, [entry, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    let told = 0
    createInterface({ input: child.stdout }).on('line', (line) => (told = Number(line)))
    while (told < 3) await pause(10)
    const random = randoms(SEED)
    const bags: number[] = []
    for (let cut = 0; cut < CUTS; cut += 1) {
      await pause(5 + random() * 120)
      // what was told by now is on the disk
      const atLeast = told
      child.kill('SIGSTOP')
      const copy = tempFolder()
      for (const name of ['lanescope.sqlite', 'lanescope.sqlite-wal', 'lanescope.key', 'lanescope.key.head'])
        if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(copy, name))
      child.kill('SIGCONT')
      const store = openStore({ folder: copy })
      try {
        expect(store.findings).toEqual([])
        expect(await doChore('pages', { folder: copy, keyFile: join(copy, 'lanescope.key') })).toEqual([])
        expect(store.verifyAudit()).toMatchObject({ ok: true, notes: [] })
        const newest = store.log.recent(1)[0]?.id ?? 0
        expect(newest).toBeGreaterThanOrEqual(atLeast)
        expect(store.log.get(atLeast)?.verdict).not.toBeNull()
        bags.push(newest)
        // and it goes on from there
        store.log.receive({ lane: 'n', path: '/after', content: { sha256: 'after' }, kept: false, receivedAt: 1 })
        expect(store.verifyAudit()).toMatchObject({ ok: true })
      } finally {
        store.close()
        rmSync(copy, { recursive: true, force: true })
      }
    }
    expect(bags.at(-1)).toBeGreaterThan(bags[0] ?? 0)
  },
  1_800_000,
)
