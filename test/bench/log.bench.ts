// The log at size: a million bags (BAGS=n for another number), taken over from before the chain, then asked, written and audited.
//
// Prints p50 and p95 of every question that a screen asks, the main loop's p99 while bags come and a screen asks for the status twice a second,
// and how long a start, a full audit and a backup take.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { doChore } from '../../src/main/store/chores'
import { openDatabase } from '../../src/main/store/database'
import { openStore, type Store } from '../../src/main/store'
import { THREAT_CLASSES } from '../../src/shared/classes'
import type { BagFilter } from '../../src/shared/bag'
import { record, sha } from '../unit/store/make'

const BAGS = Number(process.env['BAGS'] ?? 1_000_000)
/** the last version before the chain */
const BEFORE = 5
const folder = mkdtempSync(join(tmpdir(), 'lanescope-bench-'))
const file = join(folder, 'lanescope.sqlite')
/** a bag every twelve seconds, up to now */
const began = Date.now() - BAGS * 12_000
let store: Store | null = null
afterAll(() => {
  store?.close()
  rmSync(folder, { recursive: true, force: true })
})
const say = (line: string): void => console.log(line)
const seconds = async <T>(what: string, work: () => T | Promise<T>): Promise<T> => {
  const from = performance.now()
  const cpu = process.cpuUsage()
  const done = await work()
  const { user, system } = process.cpuUsage(cpu)
  say(
    `${what}: ${((performance.now() - from) / 1000).toFixed(2)} s, of which ${((user + system) / 1e6).toFixed(2)} s of processor`,
  )
  return done
}
function timed(what: string, times: number, work: (i: number) => unknown): number {
  const all: number[] = []
  for (let i = 0; i < times; i += 1) {
    const from = performance.now()
    work(i)
    all.push(performance.now() - from)
  }
  all.sort((a, b) => a - b)
  const at = (share: number): number => all[Math.min(all.length - 1, Math.floor(share * all.length))] ?? NaN
  say(`${what}: p50 ${at(0.5).toFixed(3)} ms, p95 ${at(0.95).toFixed(3)} ms (${times})`)
  return at(0.95)
}

/** In 1,000 bags: 10 alarms, 5 advisories, 1 unscreenable; decisions on half of them. */
function fill(): void {
  const db = openDatabase(file, BEFORE)
  const bag =
    db.prepare(`INSERT INTO bags (lane, path, content, sha256, received_at, has_scan, screened_at, verdict, reason, width, height, model,
    policy, provider, ms_decode, ms_infer, ms_total, brightness, background, aspect, bag_share)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 640, 480, 'chr@1', 1, 'cpu', 1.5, 20, 22, 101.5, 250, 1.5, 0.4)`)
  const score = db.prepare(`INSERT INTO class_scores VALUES (?, ?, '[-3.25,-2.5,-3]', ?, 0.001, ?, 0.5, 0.5)`)
  for (let from = 1; from <= BAGS; from += 50_000)
    db.transaction(() => {
      for (let i = from; i < Math.min(from + 50_000, BAGS + 1); i += 1) {
        const k = i % 1000
        const verdict = k < 10 ? 'alarm' : k < 15 ? 'advisory' : k === 15 ? 'unscreenable' : 'clear'
        const at = began + i * 12_000
        const content = sha(`${i}`)
        bag.run(
          i % 2 ? 'north' : 'south',
          `/feed/bag ${i}.png`,
          content,
          content,
          at,
          0,
          at + 200,
          verdict,
          k === 15 ? 'damaged' : null,
        )
        if (k === 15) continue
        for (const [c, name] of THREAT_CLASSES.entries())
          score.run(i, name, (i % 997) / 100 - 12, verdict !== 'clear' && k % 5 === c ? verdict : 'none')
      }
    })()
  db.close()
}

const FILTERS: [string, BagFilter][] = [
  ['no filter', {}],
  ['flagged', { verdicts: ['alarm', 'advisory', 'unscreenable'] }],
  ['alarms nobody decided on', { verdicts: ['alarm'], decision: 'none' }],
  ['a lane', { lane: 'south' }],
  ['clear bags of a lane', { verdicts: ['clear'], lane: 'north' }],
  ['a class at alarm', { class: 'gun', tier: 'alarm' }],
  ['a class at either tier', { class: 'scissors' }],
  ['a class at no tier', { class: 'gun', tier: 'none' }],
  ['any class at advisory', { tier: 'advisory' }],
  ['any class at alarm', { tier: 'alarm' }],
  ['any class at no tier', { tier: 'none' }],
  ['an early day', { from: began, to: began + 86_400_000 }],
  ['alarms of an early day', { from: began, to: began + 86_400_000, verdicts: ['alarm'] }],
]

test(`the log at ${BAGS} bags`, async () => {
  await seconds('filled', fill)
  const opened = await seconds('taken over into the chain, and opened', () => openStore({ folder }))
  opened.close()
  const found = (store = await seconds('opened again', () => openStore({ folder })))
  say(`database ${(statSync(file).size / 2 ** 20).toFixed(0)} MiB, ${found.head()?.links} links`)
  const { log } = found
  const now = Date.now()
  timed("a day's counts", 200, () => log.countSince(now - 43_200_000))
  timed("an hour's counts", 200, () => log.countSince(now - 3_600_000))
  timed('the newest 100', 100, () => log.recent(100))
  for (const [what, filter] of FILTERS) timed(`search, ${what}`, 20, (i) => log.search(filter, i % 2 ? BAGS >> 1 : undefined, 50))
  timed('known or not', 500, (i) => log.knows('north', `/feed/bag ${i}.png`, { sha256: sha(`${i}`) }))
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const asking = setInterval(() => {
    log.countSince(now - 43_200_000)
    log.countSince(now - 3_600_000)
  }, 500)
  const written: number[] = []
  for (let i = 0; i < 1000; i += 1) {
    const from = performance.now()
    const { id } = log.receive({
      lane: 'north',
      path: `/new/${i}`,
      content: { sha256: sha(`new ${i}`) },
      kept: true,
      receivedAt: now + i,
    })
    log.finish(id, record(i % 50 ? 'clear' : 'alarm', i % 50 ? {} : { gun: 'alarm' }))
    written.push(performance.now() - from)
    await pause(2)
  }
  clearInterval(asking)
  written.sort((a, b) => a - b)
  say(
    `received and screened, bound and signed, each on the disk: p50 ${written[500]?.toFixed(2)} ms, p95 ${written[950]?.toFixed(2)} ms (1000)`,
  )
  say(`main loop beside it: p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`)
  const options = { folder, keyFile: join(folder, 'lanescope.key') }
  await seconds('unfinished bags by the table', () => doChore('unfinished', options))
  const audit = await seconds('the whole record audited', () => doChore('record', options))
  expect(audit).toMatchObject({ ok: true })
  await seconds('every page and index checked', () => doChore('pages', options))
  await seconds('backed up and the copy checked', () => doChore('backup', options))
}, 3_600_000)
