// The log of bags on real SQLite: once received, once screened, every decision and outcome kept.
import { expect, test } from 'vitest'
import { bag as bagSchema, type Finding } from '../../../src/shared/bag'
import { record, tempStore } from './make'

const arrival = (path: string, sha256 = path, lane = 'north') => ({
  lane,
  path,
  content: { sha256 },
  kept: true,
  receivedAt: 1000,
})

test('the same lane, path and content is one bag; another path, lane or content is another', () => {
  const { log } = tempStore().store
  const first = log.receive(arrival('/a.png'))
  expect(first.isNew).toBe(true)
  expect(log.receive(arrival('/a.png'))).toEqual({ id: first.id, isNew: false })
  expect(log.knows('north', '/a.png', { sha256: '/a.png' })).toBe(true)
  const others = [arrival('/b.png', '/a.png'), arrival('/a.png', '/a.png', 'south'), arrival('/a.png', 'other')]
  for (const other of others) expect(log.receive(other).isNew).toBe(true)
  expect(log.recent(10)).toHaveLength(4)
})

test('unreadable files are told apart by their stamp', () => {
  const { log } = tempStore().store
  const unreadable = (stamp: string) => log.receive({ ...arrival('/a.png'), content: { unreadable: stamp }, kept: false })
  const { id } = unreadable('10 bytes, monday')
  expect(unreadable('10 bytes, monday')).toEqual({ id, isNew: false })
  expect(unreadable('10 bytes, tuesday').isNew).toBe(true)
})

test('a finished bag reads back whole and valid, and its verdict stays the first', () => {
  const { log } = tempStore().store
  const { id } = log.receive(arrival('/in box/ü 🙂.png', 'f'.repeat(64)))
  expect(log.unfinished().map((b) => b.id)).toEqual([id])
  const alarm = { ...record('alarm', { knife: 'alarm', gun: 'advisory' }, 2000), heatmap: 'e'.repeat(64) }
  const bag = log.finish(id, alarm)
  expect(bagSchema.parse(bag)).toEqual(bag)
  expect(bag).toMatchObject({
    fileName: 'ü 🙂.png',
    verdict: 'alarm',
    classes: alarm.classes,
    bags: alarm.bags,
    ms: alarm.ms,
    hasScan: true,
    hasHeatmap: true,
  })
  expect(log.finish(id, record('clear'))).toEqual(bag)
  expect(log.unfinished()).toEqual([])
  expect(log.images(id)).toEqual({ scan: 'f'.repeat(64), heatmap: 'e'.repeat(64) })
})

test('a verdict whose scores cannot be written is not written either', () => {
  const { log } = tempStore().store
  const { id } = log.receive(arrival('/a.png'))
  const broken = record('clear')
  if (broken.classes) broken.classes.wrench.fused = Number.NaN
  expect(() => log.finish(id, broken)).toThrow()
  expect(log.get(id)?.verdict).toBeNull()
  expect(log.unfinished()).toHaveLength(1)
})

test('every decision and outcome is kept; the bag shows the latest and keeps its verdict', () => {
  const { log } = tempStore().store
  const { id } = log.receive(arrival('/a.png'))
  log.finish(id, record('alarm', { gun: 'alarm' }, 2000))
  log.decide(id, { action: 'hold', person: 'Ada', reason: 'ask Bo', at: 3000, seconds: 4.5 })
  log.decide(id, { action: 'search', person: 'Bo', reason: null, at: 4000, seconds: null })
  log.review(id, { kind: 'unsure', found: [], comment: null, person: 'Cy', at: 5000 })
  const found: Finding[] = [
    { class: 'knife', where: { shape: 'box', x: 0.1, y: 0.2, width: 0.3, height: 0.4 } },
    { class: 'gun', where: { shape: 'point', x: 0, y: 1 } },
    { class: 'wrench', where: null },
  ]
  const bag = log.review(id, {
    kind: 'confirmed',
    found,
    comment: 'in the sole',
    person: 'Cy',
    at: 6000,
  })
  expect(bag.verdict).toBe('alarm')
  expect(bag.decision).toEqual({ action: 'search', person: 'Bo', reason: null, at: 4000, seconds: null })
  expect(bag.outcome).toEqual({
    kind: 'confirmed',
    found,
    comment: 'in the sole',
    person: 'Cy',
    at: 6000,
  })
  expect(log.history(id).map((h) => [h.action, h.person, h.detail['action'] ?? h.detail['kind'] ?? null])).toEqual([
    ['received', null, null],
    ['screened', null, null],
    ['decide', 'Ada', 'hold'],
    ['decide', 'Bo', 'search'],
    ['review', 'Cy', 'unsure'],
    ['review', 'Cy', 'confirmed'],
  ])
})

test('a decision on a bag that does not exist changes nothing, the audit included', () => {
  const { store } = tempStore()
  expect(() => store.log.decide(99, { action: 'clear', person: 'Ada', reason: null, at: 1, seconds: 1 })).toThrow()
  expect(store.verifyAudit()).toMatchObject({ ok: true, rows: 0 })
})

test('counts of a time span, by verdict', () => {
  const { log } = tempStore().store
  const verdicts = ['clear', 'alarm', 'alarm', 'advisory', 'unscreenable'] as const
  for (const [i, verdict] of verdicts.entries()) {
    const { id } = log.receive({ ...arrival(`/${i}`), receivedAt: 1000 + i })
    log.finish(id, record(verdict))
  }
  log.receive({ ...arrival('/waiting'), receivedAt: 2000 })
  expect(log.countSince(1000)).toEqual({ bags: 6, alarms: 2, advisories: 1, unscreenable: 1 })
  expect(log.countSince(1002)).toEqual({ bags: 4, alarms: 1, advisories: 1, unscreenable: 1 })
  expect(log.countSince(3000)).toEqual({ bags: 0, alarms: 0, advisories: 0, unscreenable: 0 })
})

test('last scores: newest first, with tiers, statistics and outcome, without unscreenable and waiting bags', () => {
  const { log } = tempStore().store
  const ids = (['clear', 'unscreenable', 'alarm'] as const).map((verdict, i) => {
    const { id } = log.receive(arrival(`/${i}`))
    log.finish(id, record(verdict, verdict === 'alarm' ? { pliers: 'alarm' } : {}, 50 + i))
    return id
  })
  log.receive(arrival('/waiting'))
  log.review(ids[2] ?? 0, { kind: 'false-alarm', found: [], comment: null, person: 'Cy', at: 60 })
  const scores = log.lastScores(10)
  expect(scores.map((s) => s.id)).toEqual([ids[2], ids[0]])
  expect(scores[0]).toMatchObject({
    verdict: 'alarm',
    model: 'chr@1',
    screenedAt: 52,
    fused: { gun: 0, knife: 1 / 3, wrench: 2 / 3, pliers: 1, scissors: 4 / 3 },
    tiers: { gun: 'none', knife: 'none', wrench: 'none', pliers: 'alarm', scissors: 'none' },
    statistics: { brightness: 101.5, background: 250, aspect: 1.5, bagShare: 0.4 },
    outcome: { kind: 'false-alarm' },
  })
  expect(log.lastScores(1)).toHaveLength(1)
})
