// Killing things: the whole station (-9) in mid-batch at many moments, and the inference process in mid-bag.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { startInference } from '../../../src/main/inference/client'
import { nodeSpawn } from '../../../src/main/inference/node-spawn'
import type { Spawn } from '../../../src/main/inference/protocol'
import { createStation } from '../../../src/main/station/station'
import { openStore } from '../../../src/main/store'
import type { Bag } from '../../../src/shared/bag'
import { built } from '../inference/built'
import { bagScan, fill, png } from '../inference/scans'
import { writeTinyModel } from '../inference/tiny-model'
import { tempFolder } from '../store/make'

let inferenceProcess = ''
let lane = ''
beforeAll(async () => {
  const bundles = await built('kill', join(import.meta.dirname, 'lane-child.ts'))
  inferenceProcess = bundles.process
  lane = bundles.entry
}, 120_000)

/** Scan `i` of a batch: each its own content; every fifth holds a large black block. */
async function drawn(i: number): Promise<Buffer> {
  const scan = bagScan(160, 120)
  fill(scan, 50, 40, 51 + (i % 40), 42 + (i >> 2), [200, 60, 30])
  if (i % 5 === 0) fill(scan, 42, 42, 118, 84, [0, 0, i])
  return png(scan)
}

/** Runs the station until `enough` says so, then kills it without warning. Resolves to the lines it told. */
async function runAndKill(args: string[], enough: (lines: string[]) => boolean, patienceMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [lane, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const lines: string[] = []
  const exited = once(child, 'exit')
  const late = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    if (enough(lines)) child.kill('SIGKILL')
  })
  await exited
  clearTimeout(late)
  expect(said).toBe('')
  return lines
}

test('a station killed in mid-batch, again and again, ends with one row and one verdict a scan', async () => {
  const SCANS = 40
  const [feed, data, models] = [tempFolder(), tempFolder(), tempFolder()]
  writeTinyModel(models)
  const names = Array.from({ length: SCANS }, (_, i) => `bag ${i} ü.png`)
  const put = async (i: number): Promise<void> => {
    // as a scanner does: written elsewhere, renamed into place
    writeFileSync(join(data, '..', `.part-${process.pid}`), await drawn(i))
    renameSync(join(data, '..', `.part-${process.pid}`), join(feed, names[i] ?? ''))
  }
  mkdirSync(feed, { recursive: true })
  for (let i = 0; i < SCANS / 2; i += 1) await put(i)
  const args = [feed, data, models, inferenceProcess]
  const told: string[][] = []
  // killed after so many events each time: between received and screened, in mid-write, while catching up
  for (const after of [1, 2, 3, 5, 8, 13, 4, 1]) {
    told.push(await runAndKill(args, (lines) => lines.length >= after, 30_000))
    if (after === 3) for (let i = SCANS / 2; i < SCANS; i += 1) await put(i)
  }
  // the same content under another name is a bag of its own
  copyFileSync(join(feed, names[0] ?? ''), join(feed, 'copy of bag 0.png'))

  const finished = (): Bag[] => {
    const store = openStore({ folder: data, exclusive: false })
    try {
      return store.log.recent(500)
    } finally {
      store.close()
    }
  }
  const complete = (bags: Bag[]): boolean => bags.length >= SCANS + 1 && bags.every((bag) => bag.verdict !== null)
  await runAndKill(args, () => complete(finished()), 60_000)

  const bags = finished()
  expect(bags.map((b) => b.fileName).toSorted()).toEqual([...names, 'copy of bag 0.png'].toSorted())
  expect(bags.map((b) => [b.fileName, b.verdict]).filter(([, v]) => v === null || v === 'unscreenable')).toEqual([])
  // the same scan gets the same verdict whichever run gave it
  for (const bag of bags) {
    const i = Number(/bag (\d+)/.exec(bag.fileName)?.[1])
    expect([bag.fileName, bag.verdict]).toEqual([bag.fileName, i % 5 === 0 ? 'alarm' : 'advisory'])
  }
  // what a screen was told once, stays true: no verdict changed in a later run
  const verdicts = new Map(bags.map((b) => [b.id, b.verdict]))
  for (const line of told.flat()) {
    const [id, verdict] = line.split(' ')
    if (verdict !== 'received') expect([id, verdicts.get(Number(id))]).toEqual([id, verdict])
  }
  const store = openStore({ folder: data })
  onTestFinished(() => store.close())
  expect(store.verifyAudit()).toMatchObject({ ok: true })
  // every alarm's scan and heatmap outlived the kills
  for (const bag of bags.filter((b) => b.verdict === 'alarm')) {
    const images = store.log.images(bag.id)
    expect(await store.archive.get(images?.scan ?? '')).not.toBeNull()
    expect(await store.archive.get(images?.heatmap ?? '')).not.toBeNull()
  }
}, 240_000)

test('an inference process killed in mid-bag: tried once more, then unscreenable; the next bag is screened', async () => {
  const { manifest, modelPath } = writeTinyModel(tempFolder())
  /** how often a scan's process is killed while it works on it, by the scan's length */
  const kills = new Map<number, number>()
  const spawnReal = nodeSpawn(inferenceProcess)
  const pids: number[] = []
  const spawnKillable: Spawn = () => {
    const real = spawnReal()
    if (real.pid !== undefined) pids.push(real.pid)
    return {
      ...real,
      postMessage: (message) => {
        real.postMessage(message)
        const bytes = 'bytes' in message && message.bytes instanceof Uint8Array ? message.bytes.length : -1
        const left = kills.get(bytes) ?? 0
        if (left > 0 && real.pid !== undefined) {
          kills.set(bytes, left - 1)
          process.kill(real.pid, 'SIGKILL')
        }
      },
    }
  }
  const store = openStore({ folder: tempFolder() })
  const inference = startInference({ spawn: spawnKillable, manifest, modelPath, processes: 2, firstPause: 10 })
  const station = createStation({ ...store, inference, renditions: inference, clock: { now: () => Date.now() } })
  onTestFinished(async () => {
    await station.stop()
    await inference.stop()
    store.close()
  })
  await station.start()
  const scans = await Promise.all([drawn(0), drawn(13), drawn(28), drawn(35)])
  expect(new Set(scans.map((s) => s.length)).size).toBe(4)
  kills.set(scans[1].length, 1)
  kills.set(scans[2].length, 2)
  for (const [i, bytes] of scans.entries()) await station.submit({ lane: 'north', path: `/${i}.png`, content: { bytes } })
  await station.idle()
  const bags = station.recent(10).toReversed()
  expect(bags.map((b) => b.path)).toEqual(['/0.png', '/1.png', '/2.png', '/3.png'])
  expect(bags.map((b) => b.verdict === 'unscreenable')).toEqual([false, false, true, false])
  expect(bags[0]?.verdict).toBe('alarm')
  expect(bags[2]?.reason).toContain('inference process failed')
  expect([...kills.values()]).toEqual([0, 0])
  // the last death may come after the last verdict
  await vi.waitFor(() => expect(inference.status()).toMatchObject({ state: 'ready', restarts: 3 }), 30_000)
  expect(new Set(pids).size).toBe(5)
})
