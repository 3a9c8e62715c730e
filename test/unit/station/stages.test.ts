// Intake, screening, ledger, teller and letting go, each by itself between stand-ins.
import { hash } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { firstCalibration, firstPolicy } from '../../../src/domain/first-policy'
import { Intake, type IntakeStage } from '../../../src/main/station/intake'
import { unscreenable } from '../../../src/main/station/judging'
import { Ledger, type LedgerStage } from '../../../src/main/station/ledger'
import { LettingGo } from '../../../src/main/station/letting-go'
import type { BagLog, ContentKey, ScreenedRecord } from '../../../src/main/station/ports'
import { Screening, type ScreeningStage } from '../../../src/main/station/screening'
import { Teller } from '../../../src/main/station/teller'
import { Unlogged } from '../../../src/main/station/unlogged'
import type { Bag } from '../../../src/shared/bag'
import type { StationStatus } from '../../../src/shared/status'
import { manifest } from '../domain/manifest'
import { bytesOf } from '../store/make'
import { coded, FakeInference, gate, heardAll, ok } from './make'

const clock = { now: () => 1000 }
const nothing = (): undefined => undefined

function bag(id: number, change: Partial<Bag> = {}): Bag {
  const { heatmap: _h, statistics: _s, ...record } = unscreenable('', 0)
  const arrived = { lane: 'north', path: `/feed/${id}.png`, fileName: `${id}.png`, sha256: null, receivedAt: 1 }
  const open = { screenedAt: null, verdict: null, reason: null, decision: null, outcome: null }
  return { id, ...arrived, ...record, ...open, hasScan: true, hasHeatmap: false, ...change }
}

describe('intake', () => {
  function intake({ log = {}, put }: { log?: Partial<IntakeStage['log']>; put?: IntakeStage['archive']['put'] } = {}) {
    const steps: string[] = []
    const stage = {
      log: {
        knows: () => false,
        receive: vi.fn(({ kept }: Parameters<BagLog['receive']>[0]) => {
          steps.push(`row, kept ${kept}`)
          return { id: 7, isNew: true }
        }),
        ...log,
      },
      archive: { put: put ?? vi.fn(() => (steps.push('archive'), Promise.resolve(''))) },
      belt: { mustRun: nothing, room: () => Promise.resolve(), put: () => void steps.push('belt') },
      ledger: { finish: vi.fn(() => void steps.push('verdict')), refused: vi.fn() },
      troubles: { raise: vi.fn(), over: vi.fn() },
      tellStored: vi.fn(),
      clock,
    }
    return { steps, stage, intake: new Intake(stage) }
  }
  const scan = { lane: 'north', path: '/feed/a.PNG', content: { bytes: bytesOf('a') } }

  test('bytes are in the archive, then the bag has a row, then it is on the belt', async () => {
    const { steps, stage, intake: it } = intake()
    expect(await it.submit(scan)).toBe('received')
    expect(steps).toEqual(['archive', 'row, kept true', 'belt'])
    expect(stage.archive.put).toHaveBeenCalledWith(scan.content.bytes, 'png', hash('sha256', scan.content.bytes))
  })
  test('what is known is not kept again', async () => {
    const { steps, intake: it } = intake({ log: { knows: () => true } })
    expect(await it.submit(scan)).toBe('known')
    expect(steps).toEqual([])
  })
  test('bytes that cannot be kept: a row and an unscreenable verdict, and a grave trouble', async () => {
    const { stage, steps, intake: it } = intake({ put: () => Promise.reject(coded('ENOSPC')) })
    await it.submit(scan)
    expect(steps).toEqual(['row, kept false', 'verdict'])
    expect(stage.ledger.finish).toHaveBeenCalledWith(
      7,
      expect.objectContaining({ verdict: 'unscreenable', reason: 'The disk is full.' }),
    )
    expect(stage.troubles.raise).toHaveBeenCalledWith('archive', expect.stringContaining('treat every bag as an alarm'))
  })
  test('two unreadable arrivals without a stamp are two bags', async () => {
    const keys: ContentKey[] = []
    const receive: BagLog['receive'] = ({ content }) => ({ id: keys.push(content) && 7, isNew: true })
    const { stage, intake: it } = intake({ log: { receive } })
    for (let i = 0; i < 2; i++) await it.submit({ ...scan, content: { unreadable: '' } })
    expect(keys[0]).not.toEqual(keys[1])
    expect(stage.ledger.finish).toHaveBeenCalledWith(7, expect.objectContaining({ reason: 'The file could not be read.' }))
  })
  test('a log that takes no row: the ledger is told, the feed goes on', async () => {
    const fails = (): never => {
      throw coded('SQLITE_FULL')
    }
    const { stage, intake: it } = intake({ log: { receive: fails } })
    expect(await it.submit(scan)).toBe('received')
    expect(stage.ledger.refused).toHaveBeenCalledWith(
      expect.objectContaining({ path: '/feed/a.PNG', kept: true }),
      expect.anything(),
    )
  })
})

describe('screening', () => {
  function screening(change: Partial<ScreeningStage> = {}) {
    const finished: [number, ScreenedRecord][] = []
    const keepHeatmap = vi.fn()
    const inference = new FakeInference()
    const stage: ScreeningStage = {
      inference,
      policies: {
        current: () => ({ version: 1, ...firstPolicy(manifest, 1) }),
        calibration: () => ({ version: 1, ...firstCalibration(manifest) }),
      },
      clock,
      archive: { get: (sha) => Promise.resolve(bytesOf(sha)), put: () => Promise.resolve('f'.repeat(64)) },
      troubles: { raise: vi.fn() },
      finish: (id, record) => void finished.push([id, record]),
      keepHeatmap,
      keepThumbnail: () => undefined,
      took: vi.fn(),
      ...change,
    }
    return { keepHeatmap, inference, finished, screening: new Screening(stage) }
  }
  const never = (): boolean => false

  test('a bag whose bytes come slowly is overtaken by nobody on the way to inference', async () => {
    const slow = gate<Uint8Array>()
    const { inference, screening: it } = screening({ archive: { get: () => slow.promise, put: () => Promise.resolve('') } })
    const first = it.work({ id: 1, sha256: 'a', bytes: null }, never)
    const second = it.work({ id: 2, sha256: 'b', bytes: bytesOf('second') }, never)
    await heardAll()
    expect(inference.asked).toEqual([])
    slow.open(bytesOf('first'))
    await Promise.all([first, second])
    expect(inference.asked).toEqual(['first', 'second'])
  })
  test('an archive that fails makes the bag unscreenable and does not hold up the next', async () => {
    const { finished, screening: it } = screening({
      archive: { get: () => Promise.reject(coded('EIO')), put: () => Promise.resolve('') },
    })
    await Promise.all([
      it.work({ id: 1, sha256: 'a', bytes: null }, never),
      it.work({ id: 2, sha256: 'b', bytes: bytesOf('second') }, never),
    ])
    expect(finished.map(([id, { verdict, reason }]) => [id, verdict, reason])).toEqual(
      expect.arrayContaining([
        [1, 'unscreenable', 'The disk reports an error.'],
        [2, 'clear', null],
      ]),
    )
  })
  test("a flagged bag's heatmap is archived and at hand, a clear bag has none yet", async () => {
    const { inference, finished, keepHeatmap, screening: it } = screening()
    inference.answer = (text) => ok(text === 'gun' ? { gun: 9 } : {})
    await it.work({ id: 1, sha256: 'a', bytes: bytesOf('gun') }, never)
    await it.work({ id: 2, sha256: 'b', bytes: bytesOf('shoes') }, never)
    expect(finished.map(([, { heatmap }]) => heatmap)).toEqual(['f'.repeat(64), null])
    expect(keepHeatmap.mock.calls.map(([id]) => id as unknown)).toEqual([1])
  })
  test('an interrupted bag gets no verdict', async () => {
    const { inference, finished, screening: it } = screening()
    inference.answer = () => ({ ok: false, reason: 'The program is stopping.', retry: true })
    await it.work({ id: 1, sha256: 'a', bytes: bytesOf('a') }, () => true)
    expect(finished).toEqual([])
  })
})

describe('ledger', () => {
  function ledger(log: Partial<BagLog> = {}) {
    const told: Bag[] = []
    const unlogged = new Unlogged()
    const clear = vi.fn()
    const troubles = { raise: vi.fn(), over: vi.fn() }
    const stage: LedgerStage = {
      log: {
        finish: (id, record) => bag(id, { verdict: record.verdict, reason: record.reason }),
        receive: () => ({ id: 50, isNew: true }),
        get: (id) => bag(id),
        recent: () => [bag(3)],
        unfinished: () => [],
        ...log,
      },
      clock,
      unlogged,
      troubles,
      teller: { tell: (b) => (told.push(b), b), tellStored: vi.fn() },
      say: vi.fn(),
      scored: vi.fn(),
      clear,
    }
    return { told, troubles, clear, unlogged, ledger: new Ledger(stage) }
  }
  const fails = (): never => {
    throw coded('SQLITE_FULL')
  }
  const clearRecord: ScreenedRecord = { ...unscreenable('', 1), verdict: 'clear', reason: null }

  test('a verdict that the log refuses is kept as unscreenable, never clear, and written when the log works', () => {
    let works = false
    const finish = vi.fn((id: number, record: ScreenedRecord) => (works ? bag(id, { verdict: record.verdict }) : fails()))
    const { troubles, clear, told, unlogged, ledger: it } = ledger({ finish })
    it.finish(3, clearRecord)
    expect(clear).not.toHaveBeenCalled()
    expect(unlogged.overlay(bag(3)).verdict).toBe('unscreenable')
    expect(troubles.raise).toHaveBeenCalledWith('log', expect.stringContaining('Treat every bag as an alarm'))
    works = true
    it.settle()
    expect(told).toMatchObject([{ id: 3, verdict: 'unscreenable' }])
    expect(unlogged.empty).toBe(true)
    expect(troubles.over).toHaveBeenCalledWith('log')
  })
  test('a bag without a row is on top of the newest, takes no decision, and is found under its old id once it has a row', () => {
    const { told, ledger: it } = ledger()
    it.refused({ lane: 'n', path: 'C:\\feed\\a.png', content: { sha256: 'a' }, kept: true, receivedAt: 5 }, coded('SQLITE_FULL'))
    const id = told[0]?.id ?? 0
    expect(told[0]).toMatchObject({ fileName: 'a.png', verdict: 'unscreenable', receivedAt: 5 })
    expect(it.recent(5).map((b) => b.id)).toEqual([id, 3])
    expect(() => it.rowOf(id)).toThrow(/could not be logged/)
    it.settle()
    expect(it.rowOf(id)).toBe(50)
    expect(it.get(id).id).toBe(50)
  })
  test('what a restart left without bytes gets its verdict at once; the rest is to be screened', () => {
    const left = [bag(1, { sha256: 'a' }), bag(2, { sha256: 'b', hasScan: false }), bag(3, { hasScan: false })]
    const { told, ledger: it } = ledger({ unfinished: () => left })
    expect(it.unfinished()).toEqual([{ id: 1, sha256: 'a' }])
    expect(told.map(({ id, verdict, reason }) => [id, verdict, reason])).toEqual([
      [2, 'unscreenable', 'The scan could not be kept.'],
      [3, 'unscreenable', 'The file could not be read.'],
    ])
  })
})

describe('teller', () => {
  const status = { now: 0, disk: null } as unknown as StationStatus
  function teller(statuses: () => StationStatus = () => status) {
    const said: string[] = []
    const it = new Teller({
      log: { get: fail },
      images: { hasHeatmap: ({ id }) => id === 2 },
      unlogged: new Unlogged(),
      status: () => Promise.resolve().then(statuses),
      say: (line) => void said.push(line),
    })
    return { it, said }
  }
  const fail = (): never => {
    throw coded('SQLITE_IOERR')
  }

  test('a bag is told with the heatmap that is at hand', () => {
    const { it } = teller()
    expect(it.tell(bag(1)).hasHeatmap).toBe(false)
    expect(it.tell(bag(2)).hasHeatmap).toBe(true)
  })
  test('a log that cannot be read stops nothing and is said', () => {
    const { it, said } = teller()
    it.tellStored(4)
    expect(said).toEqual(['bag 4: The disk reports an error while writing the database.'])
  })
  test('the status is told where it changed, and as a heartbeat; a byte on the disk is no change', async () => {
    let next: object = { now: 0, backlog: 0, disk: { freeBytes: 1e9 } }
    const { it } = teller(() => next as StationStatus)
    const heard: unknown[] = []
    const events = it.events()
    await events.next()
    void (async () => {
      for await (const event of events) heard.push(event)
    })()
    const tell = async (now: number, change: object): Promise<number> => {
      next = { ...next, ...change, now }
      await it.tellStatus()
      await heardAll()
      return heard.length
    }
    expect(await tell(1000, {})).toBe(1)
    expect(await tell(2000, { disk: { freeBytes: 1e9 + 1 } })).toBe(1)
    expect(await tell(3000, { backlog: 1 })).toBe(2)
    expect(await tell(7000, {})).toBe(2)
    expect(await tell(8000, {})).toBe(3)
    it.close()
  })
})

describe('letting go', () => {
  test('every twenty clear bags, one run at a time; a failure is a trouble until it is over', async () => {
    const troubles = { raise: vi.fn(), over: vi.fn() }
    let running = gate<number>()
    const letGo = vi.fn(() => running.promise)
    const it = new LettingGo({ letGo }, 200, troubles)
    for (let i = 0; i < 19; i++) it.clear()
    expect(letGo).not.toHaveBeenCalled()
    it.clear()
    expect(letGo).toHaveBeenCalledWith(200)
    it.now()
    expect(letGo).toHaveBeenCalledTimes(1)
    running.open(0)
    await it.rest()
    expect(troubles.over).toHaveBeenCalledWith('let-go')
    running = { promise: Promise.reject(coded('EROFS')), open: nothing }
    it.now()
    await it.rest()
    expect(troubles.raise).toHaveBeenCalledWith('let-go', expect.stringContaining('read-only'))
  })
})
