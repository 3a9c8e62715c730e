// The log's search: finds what the filter says of one bag after the other, pages without gaps, and starts from an index at 100,000 bags.
import fc from 'fast-check'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { SqliteBagLog } from '../../../src/main/store/bags'
import { openRecord } from '../../../src/main/store/record'
import { openDatabase, type Db } from '../../../src/main/store/database'
import { countQuery, pageQuery, TOTAL_CAP } from '../../../src/main/store/search'
import { THREAT_CLASSES } from '../../../src/shared/classes'
import type { BagFilter } from '../../../src/shared/bag'
import { matches } from '../../../src/domain/bag-filter'
import { record, tempStore } from './make'

const LANES = ['north', 'south']
const VERDICTS = ['clear', 'advisory', 'alarm', 'unscreenable'] as const
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const filters: fc.Arbitrary<BagFilter> = fc
  .record({
    lane: optional(fc.constantFrom(...LANES, 'east')),
    class: optional(fc.constantFrom(...THREAT_CLASSES)),
    tier: optional(fc.constantFrom('none', 'advisory', 'alarm')),
    verdicts: optional(fc.uniqueArray(fc.constantFrom(...VERDICTS))),
    decision: optional(fc.constantFrom('clear', 'search', 'hold', 'none')),
    outcome: optional(fc.constantFrom('confirmed', 'false-alarm', 'unsure', 'missed', 'none')),
    from: optional(fc.integer({ min: 0, max: 400 })),
    to: optional(fc.integer({ min: 0, max: 400 })),
  })
  .map((f) => Object.fromEntries(Object.entries(f).filter(([, v]) => v !== undefined)) as BagFilter)

test('search finds what the filter means of one bag after the other, in pages without gap or repeat', () => {
  const { log } = tempStore().store
  const random = fc.sample(fc.record({ lane: fc.nat(1), kind: fc.nat(4), at: fc.nat(400), class: fc.nat(4), act: fc.nat(7) }), {
    numRuns: 160,
    seed: 7,
  })
  for (const [i, r] of random.entries()) {
    // times are out of order on purpose: clocks are set back
    const { id } = log.receive({
      lane: LANES[r.lane] ?? '',
      path: `/${i}`,
      content: { sha256: `${i}` },
      kept: true,
      receivedAt: r.at,
    })
    const name = THREAT_CLASSES[r.class] ?? 'gun'
    if (r.kind === 0) log.finish(id, record('clear'))
    if (r.kind === 1) log.finish(id, record('advisory', { [name]: 'advisory' }))
    if (r.kind === 2) log.finish(id, record('alarm', { gun: 'advisory', [name]: 'alarm' }))
    if (r.kind === 3) log.finish(id, record('unscreenable'))
    if (r.kind === 4) continue
    const action = (['clear', 'search', 'hold'] as const)[r.act]
    if (action) log.decide(id, { action, person: 'Ada', reason: null, at: 1, seconds: 1 })
    const kind = (['confirmed', 'false-alarm', 'unsure'] as const)[r.act - 1]
    if (kind) log.review(id, { kind, found: [], comment: null, person: 'Cy', at: 1 })
  }
  const all = log.recent(500)
  expect(all).toHaveLength(160)
  let nonEmpty = 0
  fc.assert(
    fc.property(filters, fc.integer({ min: 1, max: 40 }), (filter, limit) => {
      const wanted = all.filter((bag) => matches(bag, filter)).map((bag) => bag.id)
      if (wanted.length > 0) nonEmpty += 1
      const found: number[] = []
      let before: number | undefined
      for (;;) {
        const page = log.search(filter, before, limit)
        expect(page.total).toBe(wanted.length)
        expect(page.bags.length).toBeLessThanOrEqual(limit)
        found.push(...page.bags.map((bag) => bag.id))
        if (page.next === null) break
        before = page.next
      }
      expect(found).toEqual(wanted)
    }),
    { numRuns: 300, seed: 11 },
  )
  // the loop was not only ever compared on nothing
  expect(nonEmpty).toBeGreaterThan(60)
})

describe('at 100,000 bags', () => {
  const BAGS = 100_000
  let db: Db
  let log: SqliteBagLog
  let kept: ReturnType<typeof openRecord>
  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'lanescope-test-'))
    db = openDatabase(join(folder, 'lanescope.sqlite'))
    kept = openRecord(db, { keyFile: join(folder, 'key'), exclusive: true, clock: { now: () => 1 } })
    log = new SqliteBagLog(db, kept.audit, kept.chain)
    fill(db, BAGS)
    return () => {
      db.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  const cases: [string, BagFilter][] = [
    ['no filter', {}],
    ['flagged bags', { verdicts: ['alarm', 'advisory', 'unscreenable'] }],
    ['alarms nobody decided on', { verdicts: ['alarm'], decision: 'none' }],
    ['clear bags of a lane', { verdicts: ['clear'], lane: 'north' }],
    ['a lane', { lane: 'south' }],
    ['a class at alarm', { class: 'gun', tier: 'alarm' }],
    ['a class at either tier', { class: 'scissors' }],
    ['any class at advisory', { tier: 'advisory' }],
    ['held bags', { decision: 'hold' }],
    ['confirmed bags of a lane', { outcome: 'confirmed', lane: 'north' }],
    ['the time before any', { to: 10 }],
    ['an early hour', { from: 10_000, to: 20_000 }],
    ['flagged in an early hour', { from: 10_000, to: 20_000, verdicts: ['alarm', 'unscreenable'] }],
  ]

  test.each(cases)('%s: read from an index in page order, nothing sorted but the page itself', (_, filter) => {
    const page = pageQuery(filter, { low: 1, high: BAGS }, BAGS, 51)
    const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${page.sql}`).all(...page.values)
    const steps = plan.map((row) => row.detail)
    // a scan is allowed over the rows of one page only, and a sorting for each such page, when they are merged
    const pages = steps.filter((s) => /^SCAN \(subquery/.test(s)).length
    for (const step of steps.filter((s) => s.startsWith('SCAN'))) expect(step).toMatch(/^SCAN \(subquery/)
    expect(steps.some((s) => /SEARCH (b|s) USING/.test(s))).toBe(true)
    expect(steps.filter((s) => s.includes('TEMP B-TREE')).length).toBeLessThanOrEqual(pages === 1 ? 0 : pages)
  })

  test("a day's counts read the time index from that day on, and nothing else", () => {
    const sql = vi.spyOn(db, 'prepare')
    const counting = new SqliteBagLog(db, kept.audit, kept.chain)
    const text = sql.mock.calls.map(([given]) => given).find((given) => given.includes('GROUP BY'))
    sql.mockRestore()
    const plan = db.prepare<[number], { detail: string }>(`EXPLAIN QUERY PLAN ${text ?? ''}`).all(1)
    expect(plan[0]?.detail).toBe('SEARCH bags USING COVERING INDEX bags_by_time (received_at>?)')
    expect(counting.countSince((BAGS - 999) * 100)).toEqual({ bags: 1000, alarms: 10, advisories: 5, unscreenable: 1 })
  })

  test('first pages, last pages and counts of every filter answer at once', () => {
    for (const [, filter] of cases) log.search(filter, undefined, 50)
    const started = performance.now()
    for (const [, filter] of cases) {
      log.search(filter, undefined, 50)
      log.search(filter, 2000, 50)
    }
    // 26 searches; some 5 ms each on a slow machine, and a full scan that sorts would take a hundred times that
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('more matches than the cap are reported as the cap, fewer exactly', () => {
    expect(log.search({}, undefined, 1).total).toBe(TOTAL_CAP)
    expect(log.search({ verdicts: ['alarm', 'advisory', 'unscreenable'] }, undefined, 1).total).toBe(1600)
    expect(countQuery({ verdicts: [] }, null)).toEqual({ sql: 'SELECT 0 AS n', values: [] })
    expect(log.search({ verdicts: [] }, undefined, 10)).toEqual({ bags: [], next: null, total: 0 })
  })
})

/** In 1,000 bags: 10 alarms, 5 advisories, 1 unscreenable. One decision in two of the flagged. */
function fill(db: Db, bags: number): void {
  const bag =
    db.prepare(`INSERT INTO bags (lane, path, content, sha256, received_at, has_scan, screened_at, verdict, reason, model, policy)
    VALUES (?, ?, ?, ?, ?, 1, 1, ?, ?, 'm', 1)`)
  const score = db.prepare(`INSERT INTO class_scores VALUES (?, ?, '[0,0,0]', 0.5, 0.001, ?, 0.5, 0.5)`)
  db.transaction(() => {
    for (let i = 1; i <= bags; i += 1) {
      const k = i % 1000
      const verdict = k < 10 ? 'alarm' : k < 15 ? 'advisory' : k === 15 ? 'unscreenable' : 'clear'
      bag.run(i % 2 ? 'north' : 'south', `/${i}`, `${i}`, `${i}`, i * 100, verdict, k === 15 ? 'damaged' : null)
      if (verdict === 'unscreenable') continue
      for (const [c, name] of THREAT_CLASSES.entries()) score.run(i, name, verdict !== 'clear' && k % 5 === c ? verdict : 'none')
    }
    db.exec(`UPDATE bags SET decision_action = 'hold' WHERE verdict <> 'clear' AND id % 2;
             UPDATE bags SET outcome_kind = 'confirmed' WHERE verdict = 'alarm' AND id % 3 = 0`)
  })()
}
