// A bag's way: received before anything may fail, screened once, one verdict; and every failure towards inspection.
import Database from 'better-sqlite3'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { ScreenResult } from '../../../src/main/station/ports'
import type { Station } from '../../../src/main/station/types'
import type { Trouble } from '../../../src/shared/status'
import { sha, tempFolder } from '../store/make'
import { bad, coded, died, FakeInference, gate, heardAll, listen, makeStation, ok, overlaid } from './make'

/** Without the one that every station of these tests has: its model brings no held-out scores. */
const troublesOf = async (station: Station): Promise<Trouble[]> =>
  (await station.status()).troubles.filter((t) => !t.text.includes('held-out scores'))

describe('a bag on its way', () => {
  test('is received, screened, judged, logged and told of; the alarm keeps scan and heatmap', async () => {
    const { station, store, inference, scan } = makeStation()
    inference.answer = () => ok({ gun: 5, knife: 2 })
    await station.start()
    const heard = await listen(station)
    expect(await scan('a')).toBe('received')
    await station.idle()
    const bag = station.get(1)
    expect(bag).toMatchObject({
      lane: 'north',
      path: '/feed/a.png',
      sha256: sha('scan a'),
      verdict: 'alarm',
      reason: null,
      model: 'test-model@1',
      policy: 1,
      provider: 'cpu',
      ms: { decode: 1, infer: 2, total: 3 },
      hasScan: true,
      hasHeatmap: true,
    })
    expect(bag.classes?.gun).toMatchObject({ tier: 'alarm', fused: 5, logits: [4, 5, 6], peak: { x: 0.25, y: 0.75 } })
    expect(bag.classes?.knife.tier).toBe('advisory')
    expect(bag.classes?.wrench.tier).toBe('none')
    await heardAll()
    expect(heard[0]).toMatchObject({ type: 'status' })
    expect(heard.at(-1)).toEqual({ type: 'bag', bag })
    const heatmap = store.log.images(1)?.heatmap ?? ''
    expect(new TextDecoder().decode((await store.archive.get(heatmap)) ?? undefined)).toContain('heatmap')
  })

  test('is told of as received while it waits', async () => {
    const { station, inference, scan } = makeStation()
    const answer = gate<ScreenResult>()
    inference.answer = () => answer.promise
    await station.start()
    const heard = await listen(station)
    await scan('a')
    await heardAll()
    expect(heard.at(-1)).toMatchObject({ type: 'bag', bag: { id: 1, verdict: null, hasScan: true } })
    expect((await station.status()).backlog).toBe(1)
    answer.open(ok())
    await station.idle()
    await heardAll()
    expect(heard.at(-1)).toMatchObject({ type: 'bag', bag: { id: 1, verdict: 'clear' } })
  })

  test('the same file is screened once; the same content at another path is a bag of its own', async () => {
    const { station, inference, scan } = makeStation()
    await station.start()
    expect(await scan('a', 'same')).toBe('received')
    expect(await scan('a', 'same')).toBe('known')
    expect(await scan('b', 'same')).toBe('received')
    expect(await scan('a', 'rewritten')).toBe('received')
    await station.idle()
    expect(inference.asked).toEqual(['same', 'same', 'rewritten'])
    expect(station.recent(10).map((b) => [b.path, b.verdict])).toEqual([
      ['/feed/a.png', 'clear'],
      ['/feed/b.png', 'clear'],
      ['/feed/a.png', 'clear'],
    ])
  })

  test('the same file from two feeds at the same moment is still screened once', async () => {
    const { station, inference, scan } = makeStation()
    await station.start()
    const answers = await Promise.all([scan('a'), scan('a'), scan('a')])
    await station.idle()
    expect(answers.toSorted()).toEqual(['known', 'known', 'received'])
    expect(inference.asked).toHaveLength(1)
    expect(station.recent(10)).toHaveLength(1)
  })

  test('bags are screened in the order of their arrival', async () => {
    const { station, inference, scan } = makeStation()
    await station.start()
    const names = Array.from({ length: 30 }, (_, i) => `bag ${i}`)
    for (const name of names) await scan(name, name)
    await station.idle()
    expect(inference.asked).toEqual(names)
  })

  test('feeds are held back while the queue is full, and nobody is forgotten', async () => {
    const { station, inference, scan } = makeStation({ queueLimit: 3 })
    const answers: { open: (value: ScreenResult) => void }[] = []
    inference.answer = () => {
      const answer = gate<ScreenResult>()
      answers.push(answer)
      return answer.promise
    }
    await station.start()
    let taken = 0
    const all = Promise.all(Array.from({ length: 12 }, (_, i) => scan(`${i}`).then(() => (taken += 1))))
    // several feeds submit at once here, so each may pass the gate once before the queue is seen as full
    while (inference.asked.length < 2 || taken < 5) await heardAll()
    for (let i = 0; i < 20; i += 1) await heardAll()
    expect((await station.status()).backlog).toBeLessThanOrEqual(14)
    while (station.recent(20).filter((b) => b.verdict === 'clear').length < 12) {
      answers.shift()?.open(ok())
      await heardAll()
    }
    await all
    expect(new Set(inference.asked).size).toBe(12)
  })

  test('one feed that hands over in turn never gets further ahead than the queue is long', async () => {
    const { station, inference, scan } = makeStation({ queueLimit: 3 })
    const answers: { open: (value: ScreenResult) => void }[] = []
    inference.answer = () => {
      const answer = gate<ScreenResult>()
      answers.push(answer)
      return answer.promise
    }
    await station.start()
    let handed = 0
    const feed = (async () => {
      for (let i = 0; i < 10; i += 1) {
        await scan(`${i}`)
        handed += 1
      }
    })()
    await vi.waitFor(() => expect(handed).toBe(5), 20_000)
    for (let rounds = 0; rounds < 200; rounds += 1) await heardAll()
    // two in hand, three in the queue
    expect(handed).toBe(5)
    while (handed < 10 || answers.length > 0) {
      answers.shift()?.open(ok())
      await heardAll()
    }
    await feed
  })
})

describe('failing towards inspection', () => {
  test.each([
    ['a scan that cannot be decoded', () => bad('The file is not an image.'), 'The file is not an image.', 1],
    ['a process that dies twice', () => died('The inference process failed.'), 'The inference process failed.', 2],
    ['an answer without a reason', () => bad(''), 'The scan could not be analysed.', 1],
    ['a score that is not a number', () => ok({ pliers: Number.NaN }), 'no usable score for pliers', 1],
    ['an infinite score', () => ok({ gun: Number.POSITIVE_INFINITY }), 'no usable score for gun', 1],
    [
      'a client that throws',
      () => {
        throw new Error('A broken client.')
      },
      'A broken client.',
      1,
    ],
  ])('%s is unscreenable with its reason', async (_, answer, reason, asked) => {
    const { station, inference, scan } = makeStation()
    inference.answer = answer
    await station.start()
    await scan('a')
    await station.idle()
    expect(station.get(1)).toMatchObject({ verdict: 'unscreenable', classes: null })
    expect(station.get(1).reason).toContain(reason)
    expect(inference.asked).toHaveLength(asked)
    inference.answer = () => ok()
    await scan('b')
    await station.idle()
    expect(station.get(2).verdict).toBe('clear')
  })

  test('a bag whose process died is tried once more, and may then be screened', async () => {
    const { station, inference, scan } = makeStation()
    inference.answer = (_, time) => (time === 1 ? died('killed') : ok({ scissors: 9 }))
    await station.start()
    await scan('a')
    await station.idle()
    expect(station.get(1)).toMatchObject({ verdict: 'alarm', reason: null })
    expect(inference.asked).toHaveLength(2)
  })

  test('a file that could not be read is a bag, unscreenable, once a file', async () => {
    const { station, inference } = makeStation()
    await station.start()
    const submit = (stamp?: string) =>
      station.submit({
        lane: 'north',
        path: '/feed/secret.png',
        content: { unreadable: 'No permission to read it.', ...(stamp === undefined ? {} : { stamp }) },
      })
    expect(await submit('12:99')).toBe('received')
    expect(await submit('12:99')).toBe('known')
    expect(await submit('13:99')).toBe('received')
    // a feed that cannot tell files apart: a bag too many is better than one lost
    expect(await submit()).toBe('received')
    expect(await submit()).toBe('received')
    const bags = station.recent(10)
    expect(bags.map((b) => [b.verdict, b.reason, b.hasScan])).toEqual(
      Array.from({ length: 4 }, () => ['unscreenable', 'No permission to read it.', false]),
    )
    expect(inference.asked).toEqual([])
  })

  test('a full disk: the bag is unscreenable and logged, the status says so, the lane goes on and recovers', async () => {
    let full = true
    const { station, scan, inference } = makeStation({
      archive: (archive) =>
        overlaid(archive, {
          put: (bytes, extension) => (full ? Promise.reject(coded('ENOSPC')) : archive.put(bytes, extension)),
        }),
    })
    await station.start()
    expect(await scan('a')).toBe('received')
    expect(station.get(1)).toMatchObject({ verdict: 'unscreenable', reason: 'The disk is full.', hasScan: false })
    expect(await troublesOf(station)).toEqual([{ text: expect.stringContaining('The disk is full.') as string, grave: true }])
    full = false
    await scan('b')
    await station.idle()
    expect(station.get(2).verdict).toBe('clear')
    expect((await station.status()).troubles.map((t) => t.text).join()).not.toContain('disk')
    expect(inference.asked).toEqual(['scan b'])
  })

  test('an alarm whose heatmap cannot be kept is still an alarm', async () => {
    const { station, inference, scan } = makeStation({
      archive: (archive) =>
        overlaid(archive, {
          put: (bytes, extension) =>
            extension === 'heat' ? Promise.reject(coded('ENOSPC')) : archive.put(bytes, extension),
        }),
    })
    inference.answer = () => ok({ gun: 9 })
    await station.start()
    await scan('a', 'short')
    await station.idle()
    expect(station.get(1)).toMatchObject({ verdict: 'alarm', hasScan: true })
    expect(await troublesOf(station)).toEqual([{ text: 'A heatmap could not be kept: The disk is full.', grave: false }])
    // the newest ones are still at hand
    expect(await station.images.find('heatmap', 1)).toMatchObject({ type: 'image/png' })
  })

  test('a full disk stays grave when a heatmap cannot be kept either', async () => {
    let full = false
    const held = gate<ScreenResult>()
    const { station, inference, scan } = makeStation({
      archive: (archive) =>
        overlaid(archive, {
          put: (bytes, extension) => (full ? Promise.reject(coded('ENOSPC')) : archive.put(bytes, extension)),
        }),
    })
    inference.answer = () => held.promise
    await station.start()
    await scan('a')
    full = true
    await scan('b')
    held.open(ok({ gun: 9 }))
    await station.idle()
    expect((await troublesOf(station)).map((t) => t.grave)).toEqual([true, false])
    full = false
    await scan('c')
    expect(await troublesOf(station)).toEqual([])
  })

  test('a log that refuses arrivals: shown as unscreenable at once, no decision on it, written down when the log works', async () => {
    let broken = true
    const { station, scan, inference } = makeStation({
      log: (log) =>
        overlaid(log, {
          receive: (bag) => {
            if (broken) throw coded('SQLITE_FULL')
            return log.receive(bag)
          },
        }),
    })
    await station.start()
    const heard = await listen(station)
    expect(await scan('a')).toBe('received')
    await heardAll()
    const told = heard.findLast((e) => e.type === 'bag')
    const unlogged = told?.type === 'bag' ? told.bag : null
    expect(unlogged).toMatchObject({ path: '/feed/a.png', verdict: 'unscreenable' })
    expect(unlogged?.reason).toContain('the database cannot grow')
    expect(station.recent(5)).toEqual([unlogged])
    const id = unlogged?.id ?? 0
    expect(() => station.decide({ id, action: 'clear', person: 'Ada', reason: null, seconds: 1 })).toThrow('Inspect it by hand')
    const [trouble] = await troublesOf(station)
    expect(trouble).toEqual({ text: expect.stringContaining('The log cannot be written') as string, grave: true })
    broken = false
    await scan('b')
    await station.idle()
    expect(station.recent(5).map((b) => [b.path, b.verdict])).toEqual([
      ['/feed/a.png', 'unscreenable'],
      ['/feed/b.png', 'clear'],
    ])
    expect(await troublesOf(station)).toEqual([])
    expect(inference.asked).toEqual(['scan b'])
    // the operator's screen still knows it by its first id
    expect(station.decide({ id, action: 'search', person: 'Ada', reason: null, seconds: 1 })).toMatchObject({
      path: '/feed/a.png',
    })
    expect(await scan('a')).toBe('known')
  })

  test('a log that refuses the verdict: never clear, shown as unscreenable, written down when the log works', async () => {
    let broken = true
    const { station, scan } = makeStation({
      log: (log) =>
        overlaid(log, {
          finish: (id, record) => {
            if (broken) throw coded('SQLITE_IOERR_WRITE')
            return log.finish(id, record)
          },
        }),
    })
    await station.start()
    const heard = await listen(station)
    await scan('a')
    await station.idle()
    await heardAll()
    expect(heard.findLast((e) => e.type === 'bag')).toMatchObject({ bag: { id: 1, verdict: 'unscreenable' } })
    expect(station.get(1).reason).toContain('The disk reports an error')
    const [trouble] = await troublesOf(station)
    expect(trouble).toEqual({ text: expect.stringContaining('Treat every bag as an alarm') as string, grave: true })
    broken = false
    await scan('b')
    await station.idle()
    expect(station.recent(5).map((b) => b.verdict)).toEqual(['clear', 'unscreenable'])
    expect(await troublesOf(station)).toEqual([])
  })

  test('no combination of failures at any step gives a clear bag, loses one, or stops the lane', async () => {
    const steps = ['knows', 'receive', 'finish', 'get', 'put', 'read'] as const
    const failing = new Set<string>()
    const fails = (step: (typeof steps)[number]): void => {
      if (failing.has(step)) throw coded(step === 'put' ? 'ENOSPC' : 'SQLITE_IOERR')
    }
    const made = makeStation({
      log: (log) =>
        overlaid(log, {
          knows: (...a) => (fails('knows'), log.knows(...a)),
          receive: (...a) => (fails('receive'), log.receive(...a)),
          finish: (...a) => (fails('finish'), log.finish(...a)),
          get: (...a) => (fails('get'), log.get(...a)),
        }),
      archive: (archive) =>
        overlaid(archive, {
          // a throw where a promise is expected is a failure too
          put: (...a) => (fails('put'), archive.put(...a)),
          get: (...a) => (fails('read'), archive.get(...a)),
        }),
    })
    await made.station.start()
    for (let mask = 1; mask < 1 << steps.length; mask += 1) {
      for (const [i, step] of steps.entries()) if (mask & (1 << i)) failing.add(step)
      expect(await made.scan(`during ${mask}`)).toBe('received')
      await made.station.idle()
      const row = made.store.log.recent(1).find((b) => b.path === `/feed/during ${mask}.png`)
      // reading back the bag just written is the one step whose failure may leave a good verdict
      if (['knows', 'receive', 'finish', 'put'].some((step) => failing.has(step)))
        expect([undefined, null, 'unscreenable']).toContain(row?.verdict)
      failing.clear()
      await made.scan(`after ${mask}`)
      await made.station.idle()
      const bags = made.station.recent(500)
      expect(bags.filter((b) => b.path === `/feed/after ${mask}.png`).map((b) => b.verdict)).toEqual(['clear'])
      expect(bags.filter((b) => b.path === `/feed/during ${mask}.png` && b.verdict !== null)).toHaveLength(1)
    }
    expect(made.store.log.unfinished()).toEqual([])
  })
})

describe('stopping and starting again', () => {
  test('bags that waited or were in hand are finished at the next start, oldest first, once', async () => {
    const folder = tempFolder()
    const first = makeStation({ folder })
    const never = gate<ScreenResult>()
    first.inference.answer = (text) => (text === 'scan 0' ? ok() : never.promise)
    await first.station.start()
    for (let i = 0; i < 12; i += 1) await first.scan(`${i}`)
    while (first.inference.asked.length < 3) await heardAll()
    const stopped = first.close()
    never.open(died('The program is stopping.'))
    await stopped
    const second = makeStation({ folder })
    await second.station.start()
    await second.station.idle()
    expect(second.inference.asked).toEqual(Array.from({ length: 11 }, (_, i) => `scan ${i + 1}`))
    expect(second.station.recent(20).map((b) => b.verdict)).toEqual(Array.from({ length: 12 }, () => 'clear'))
    expect(await second.scan('5')).toBe('known')
  })

  test('a received scan that is damaged or gone in the archive is unscreenable at the next start', async () => {
    const folder = tempFolder()
    const first = makeStation({ folder })
    // never started: what arrives stays received
    for (const name of ['gone', 'kept']) await first.scan(name)
    await first.close()
    const key = sha('scan gone')
    rmSync(join(folder, 'archive', key.slice(0, 2), key.slice(2, 4)), { recursive: true })
    const second = makeStation({ folder })
    await second.station.start()
    await second.station.idle()
    expect(second.station.recent(5).map((b) => [b.verdict, b.reason])).toEqual([
      ['clear', null],
      ['unscreenable', 'The scan is no longer in the archive.'],
    ])
  })

  test('what comes after stop is refused, and a feed held back is let go: its scan is received', async () => {
    const { station, inference, scan } = makeStation({ queueLimit: 1 })
    const answer = gate<ScreenResult>()
    inference.answer = () => answer.promise
    await station.start()
    for (const name of ['a', 'b', 'c']) await scan(name)
    const heldBack = scan('d')
    await heardAll()
    const stopped = station.stop()
    answer.open(ok())
    await stopped
    expect(await heldBack).toBe('received')
    expect(station.recent(1)[0]).toMatchObject({ fileName: 'd.png', verdict: null, hasScan: true })
    await expect(scan('e')).rejects.toThrow('stopping')
  })
})

test("clear bags' scans are let go beyond the newest, flagged ones stay", async () => {
  const { station, inference, scan, clock, store, folder } = makeStation({ keepClear: 5 })
  inference.answer = (text) => (text.endsWith('7') ? ok({ gun: 9 }) : ok())
  await station.start()
  for (let i = 0; i < 40; i += 1) await scan(`${i}`)
  await station.idle()
  // what was put a moment ago is held for its bag; ten minutes later it may go
  clock.at += 11 * 60_000
  for (let i = 40; i < 60; i += 1) await scan(`${i}`)
  await station.idle()
  await station.stop()
  await store.archive.letGo(5)
  const kept = station.recent(100).filter((b) => b.hasScan)
  expect(kept.filter((b) => b.verdict === 'alarm')).toHaveLength(6)
  expect(kept.length).toBeLessThan(40)
  const files = readdirSync(join(folder, 'archive'), { recursive: true, withFileTypes: true }).filter((f) => f.isFile())
  // scans of kept bags and six alarms' heatmaps, which are all the same
  expect(files).toHaveLength(kept.length + 1)
})

describe('policy and model', () => {
  test('the first start makes policy 1 and calibration 1 from the manifest; the second changes nothing', async () => {
    const folder = tempFolder()
    const first = makeStation({ folder })
    await first.station.start()
    expect(first.store.policies.list()).toHaveLength(1)
    expect(first.store.policies.current()).toMatchObject({
      version: 1,
      calibration: 1,
      author: 'manifest',
      model: 'test-model@1',
    })
    await first.close()
    const second = makeStation({ folder })
    await second.station.start()
    expect(second.store.policies.list()).toHaveLength(1)
  })

  test('another model makes a new version with a reason, says so, and going back takes the former thresholds up', async () => {
    const folder = tempFolder()
    const first = makeStation({ folder })
    await first.station.start()
    const { version: _, ...tuned } = first.store.policies.current()
    tuned.classes = { ...tuned.classes, gun: { ...tuned.classes.gun, alarm: { ...tuned.classes.gun.alarm, threshold: 6.5 } } }
    first.store.policies.save({ ...tuned, author: 'Ada', reason: 'tuned' })
    await first.close()

    const second = makeStation({ folder, fake: new FakeInference({ sha256: 'b'.repeat(64), version: '2' }) })
    await second.station.start()
    expect(second.store.policies.current()).toMatchObject({ version: 3, model: 'test-model@2', calibration: 2 })
    expect(second.store.policies.current().reason).toContain('policy 2 belongs to test-model@1')
    expect((await second.station.status()).troubles.map((t) => t.text).join()).toContain('The model is now test-model@2')
    await second.scan('a')
    await second.station.idle()
    expect(second.station.get(1)).toMatchObject({ verdict: 'clear', policy: 3, model: 'test-model@2' })
    second.station.alarms.rollBack({ version: 3, person: 'Ada', reason: 'looked at it' })
    expect((await second.station.status()).troubles.map((t) => t.text).join()).not.toContain('The model is now')
    await second.close()

    const third = makeStation({ folder })
    await third.station.start()
    expect(third.store.policies.current()).toMatchObject({ version: 5, model: 'test-model@1', calibration: 1 })
    expect(third.store.policies.current().classes.gun.alarm.threshold).toBe(6.5)
    expect(third.store.verifyAudit()).toMatchObject({ ok: true })
  })

  test('a policy for another model that is slipped in while running makes bags unscreenable, never clear', async () => {
    const { station, store, scan } = makeStation()
    await station.start()
    const { version: _, ...policy } = store.policies.current()
    store.policies.save({ ...policy, modelSha256: 'c'.repeat(64), model: 'other@1' })
    await scan('a')
    await station.idle()
    expect(station.get(1)).toMatchObject({ verdict: 'unscreenable' })
    expect(station.get(1).reason).toContain('belongs to model other@1')
  })
})

test('the status counts what happened, and says how inference does', async () => {
  const { station, inference, scan } = makeStation()
  inference.answer = (text) => (text.endsWith('x') ? bad('no') : text.endsWith('y') ? ok({ gun: 9 }) : ok({ knife: 2 }))
  await station.start()
  for (const name of ['1x', '2y', '3y', '4z']) await scan(name)
  await station.idle()
  const status = await station.status()
  expect(status).toMatchObject({
    backlog: 0,
    msPerBag: 3,
    today: { bags: 4, alarms: 2, advisories: 1, unscreenable: 1 },
    policy: 1,
    alarmRate: { lastHour: 500, bags: 4 },
    inference: { state: 'ready', provider: 'cpu' },
  })
  expect(status.disk?.totalBytes).toBeGreaterThan(0)
  const heard = await listen(station)
  inference.becomes({ state: 'restarting', message: 'killed' })
  while (heard.length < 2) await heardAll()
  expect(heard[1]).toMatchObject({ type: 'status', status: { inference: { state: 'restarting', message: 'killed' } } })
})

test('an audit that was tampered with is said at the start, and the lane runs', async () => {
  const first = makeStation()
  await first.station.start()
  await first.scan('a')
  await first.station.idle()
  first.station.decide({ id: 1, action: 'clear', person: 'Ada', reason: null, seconds: 1 })
  await first.close()
  const db = new Database(join(first.folder, 'lanescope.sqlite'))
  db.exec(`DROP TRIGGER audit_no_update; UPDATE audit SET person = 'Eve' WHERE action = 'decide'`)
  db.close()
  const { station, scan } = makeStation({ folder: first.folder })
  await station.start()
  expect((await station.status()).troubles.map((t) => t.text).join()).toMatch(/audit was tampered with: row \d+/)
  await scan('b')
  await station.idle()
  expect(station.get(2).verdict).toBe('clear')
})

test('bytes that waited are read from the archive again, not held in memory', async () => {
  let read = 0
  const { station, inference, scan } = makeStation({
    archive: (archive) => overlaid(archive, { get: (key) => ((read += 1), archive.get(key)) }),
  })
  const answer = gate<ScreenResult>()
  inference.answer = () => answer.promise
  await station.start()
  for (let i = 0; i < 30; i += 1) await scan(`${i}`)
  answer.open(ok())
  await station.idle()
  expect(new Set(inference.asked)).toEqual(new Set(Array.from({ length: 30 }, (_, i) => `scan ${i}`)))
  expect(read).toBe(20)
})
