// The station at full load, then at a trickle: real store, archive, hot folder and inference processes, in this process's folder.
// node station.js ENTRY MODEL-FOLDER WORK-FOLDER FILE…: one line of JSON.
import { copyFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { HotFolder } from '../src/main/feed/hot-folder'
import { startInference } from '../src/main/inference/client'
import { findModel } from '../src/main/inference/model-files'
import { nodeSpawn } from '../src/main/inference/node-spawn'
import { createStation } from '../src/main/station/station'
import { openStore } from '../src/main/store'

/** Scans of the trickle, and ms between them: slow enough that each finds the station idle. */
const TRICKLE = 20
const APART_MS = 800

const [entry = '', models = '', work = '', ...files] = process.argv.slice(2)
const { manifest, modelPath } = findModel(models)
const store = openStore({ folder: join(work, 'data') })
const inference = startInference({ spawn: nodeSpawn(entry), manifest, modelPath })
const station = createStation({ ...store, inference, renditions: inference, clock: { now: () => Date.now() } })
await station.start()
// every process has its model open and has screened once before the clock starts
const scans = files.map((file) => readFileSync(file))
for (let i = 0; i < 20; i += 1) await inference.screen(scans[0] ?? new Uint8Array())
await Promise.all(Array.from({ length: 4 * (inference.atOnce ?? 1) }, () => inference.screen(scans[0] ?? new Uint8Array())))

const from = performance.now()
for (const [i, bytes] of scans.entries()) await station.submit({ lane: 'bench', path: files[i] ?? '', content: { bytes } })
await station.idle()
const full = (performance.now() - from) / scans.length

const incoming = join(work, 'incoming')
mkdirSync(incoming, { recursive: true })
const folder = new HotFolder({ lane: 'trickle', directory: incoming })
await folder.start(station.submit)
const renamed = new Map<string, number>()
const latency: number[] = []
const events = station.events()
const listening = (async () => {
  for await (const event of events) {
    if (event.type !== 'bag' || event.bag.lane !== 'trickle' || event.bag.verdict === null) continue
    latency.push(performance.now() - (renamed.get(event.bag.fileName) ?? Number.NaN))
    if (latency.length === TRICKLE) return
  }
})()
await pause(APART_MS)
for (let i = 0; i < TRICKLE; i += 1) {
  const file = files[i % files.length] ?? ''
  const name = `${i}-${basename(file)}`
  copyFileSync(file, join(work, name))
  renamed.set(name, performance.now())
  renameSync(join(work, name), join(incoming, name))
  await pause(APART_MS)
}
await Promise.race([listening, pause(20_000)])
await folder.stop()
await station.stop()
await inference.stop()
store.close()
latency.sort((a, b) => a - b)
const at = (share: number): number => latency[Math.min(latency.length - 1, Math.floor(share * latency.length))] ?? Number.NaN
// What is written to a pipe is gone where the process ends before it is read.
process.stdout.write(
  `${JSON.stringify({ full, trickle: { p50: at(0.5), p95: at(0.95), scans: latency.length }, verdicts: scans.length, processes: inference.atOnce })}\n`,
  () => process.exit(0),
)
