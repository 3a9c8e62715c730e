// The inference client against real child processes: killed, hung, crashing, refusing; every scan gets an answer.
import { fork } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { startInference, type ClientOptions, type InferenceRoom } from '../../../src/main/inference/client'
import { inferenceEntry, nodeSpawn } from '../../../src/main/inference/node-spawn'
import type { InferenceProcess } from '../../../src/main/inference/protocol'
import type { ModelManifest } from '../../../src/shared/manifest'
import type { InferenceStatus } from '../../../src/shared/status'
import { built } from './built'
import { bagScan, jpeg, png, raw } from './scans'
import { writeTinyModel } from './tiny-model'

const folder = mkdtempSync(join(tmpdir(), 'lanescope-client-'))
let entry: string
let model: { manifest: ModelManifest; modelPath: string }
let scan: Buffer
beforeAll(async () => {
  entry = (await built('client')).process
  model = writeTinyModel(folder)
  scan = await jpeg(bagScan())
})
afterAll(() => rmSync(folder, { recursive: true }))

let room: InferenceRoom | null = null
let spawned: InferenceProcess[] = []
let ended: Promise<unknown>[] = []
// Every process of every test must end: the file times out on one that doesn't.
afterEach(async () => {
  await room?.stop()
  await Promise.all(ended)
  room = null
  spawned = []
  ended = []
})

/** Starts a client; remembers the processes it spawns. */
function start(options: Partial<ClientOptions> = {}, file = entry): InferenceRoom {
  const spawn = nodeSpawn(file)
  room = startInference({
    ...model,
    processes: 1,
    firstPause: 20,
    ...options,
    spawn: () => {
      const process = spawn()
      spawned.push(process)
      ended.push(new Promise((resolve) => process.onExit(resolve)))
      return process
    },
  })
  return room
}
function until(inference: InferenceRoom, is: (status: InferenceStatus) => boolean): Promise<InferenceStatus> {
  return new Promise((resolve) => {
    if (is(inference.status())) {
      resolve(inference.status())
      return
    }
    const off = inference.onStatus((status) => {
      if (!is(status)) return
      off()
      resolve(status)
    })
  })
}
const ready = (inference: InferenceRoom): Promise<InferenceStatus> => until(inference, ({ state }) => state === 'ready')
const pidOf = (index: number): number => {
  const pid = spawned[index]?.pid
  if (pid === undefined) throw new Error('no such process')
  return pid
}
test('screens scans, in the order they came, and tells what runs', async () => {
  const inference = start()
  expect(inference.status().state).toBe('starting')
  const results = await Promise.all(
    [scan, scan, Buffer.from('no picture, but words enough to be one'), scan].map((bytes) => inference.screen(bytes)),
  )
  expect(results.map(({ ok }) => ok)).toEqual([true, true, false, true])
  expect(results[2]).toEqual({ ok: false, retry: false, reason: expect.stringMatching(/no image of a kind/) as string })
  expect(inference.status()).toMatchObject({ state: 'ready', model: 'tiny@test', restarts: 0, message: null })
  expect(inference.status().provider).not.toBeNull()
})

/** Resolves once so many processes have opened the model. */
async function allReady(inference: InferenceRoom, count: number, lines: string[]): Promise<void> {
  await ready(inference)
  await vi.waitFor(() => expect(lines.filter((line) => line.includes(' runs on '))).toHaveLength(count), 20_000)
}
const stopped = (pid: number): boolean => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') T ')
/** Stops a process, surely: what is sent to it from now on stays unread. */
async function freeze(index: number): Promise<void> {
  process.kill(pidOf(index), 'SIGSTOP')
  if (existsSync('/proc/self/stat')) await vi.waitFor(() => expect(stopped(pidOf(index))).toBe(true))
}

describe('a pool of three', () => {
  async function pool(options: Partial<ClientOptions> = {}): Promise<InferenceRoom> {
    const lines: string[] = []
    const inference = start({ processes: 3, log: (line) => lines.push(line), ...options })
    await allReady(inference, 3, lines)
    expect(spawned).toHaveLength(3)
    return inference
  }

  test('scans are worked on at once, the oldest first, and a slow one holds nobody up', async () => {
    const inference = await pool()
    expect(inference.atOnce).toBe(3)
    await freeze(0)
    await freeze(1)
    const order: number[] = []
    const screens = [0, 1, 2, 3, 4].map((i) => inference.screen(scan).finally(() => order.push(i)))
    // two are with the frozen processes; the third takes the rest, in their order
    await Promise.all(screens.slice(2))
    expect(order).toEqual([2, 3, 4])
    process.kill(pidOf(0), 'SIGCONT')
    process.kill(pidOf(1), 'SIGCONT')
    expect((await Promise.all(screens)).every(({ ok }) => ok)).toBe(true)
  })

  test('one killed with a bag in hand costs that bag a second try and the others nothing', async () => {
    const inference = await pool()
    const states: string[] = []
    inference.onStatus(({ state }) => states.push(state))
    await freeze(0)
    const first = inference.screen(scan)
    const others = [inference.screen(scan), inference.screen(scan), inference.screen(scan)]
    process.kill(pidOf(0), 'SIGKILL')
    expect(await first).toMatchObject({ ok: false, retry: true })
    expect((await Promise.all(others)).every(({ ok }) => ok)).toBe(true)
    const whole = await until(inference, ({ message }) => message === null)
    expect(whole).toMatchObject({ state: 'ready', restarts: 1 })
    // the lane never stood still
    expect(new Set(states)).toEqual(new Set(['ready']))
    expect(spawned).toHaveLength(4)
  })

  test('all killed: it says so, and comes back whole', async () => {
    const inference = await pool()
    const down = until(inference, ({ state }) => state === 'restarting')
    for (const index of [0, 1, 2]) process.kill(pidOf(index), 'SIGKILL')
    await down
    expect(await inference.screen(scan)).toMatchObject({ ok: true })
    await until(inference, ({ state, message }) => state === 'ready' && message === null)
    expect(spawned).toHaveLength(6)
  })

  test('a bag that kills every process it meets is given out by the caller twice, and the pool lives', async () => {
    const poisoned = join(folder, 'poison.mjs')
    writeFileSync(
      poisoned,
      `process.on('message', ({ kind, bytes }) => kind === 'screen' && bytes.length === 3 && process.exit(9))
       await import(${JSON.stringify(entry)})`,
    )
    const inference = start({ processes: 3, firstPause: 1 }, poisoned)
    await ready(inference)
    for (let i = 0; i < 8; i += 1) {
      const [bad, good] = await Promise.all([inference.screen(Buffer.from('bad')), inference.screen(scan)])
      expect([bad.ok, !bad.ok && bad.retry, good.ok]).toEqual([false, true, true])
    }
    expect(inference.status().state).not.toBe('failed')
  })

  test('dying on every bag fails in the end, with the reason on every bag and no process left', async () => {
    const poisoned = join(folder, 'poison-all.mjs')
    writeFileSync(
      poisoned,
      `process.on('message', ({ kind }) => kind === 'screen' && process.exit(9))
       await import(${JSON.stringify(entry)})`,
    )
    const inference = start({ processes: 2, firstPause: 1, mostDeaths: 2 }, poisoned)
    await ready(inference)
    const failed = until(inference, ({ state }) => state === 'failed')
    let retries = 0
    while (inference.status().state !== 'failed') {
      const result = await inference.screen(scan)
      if (!result.ok && result.retry) retries += 1
      expect(result.ok).toBe(false)
    }
    expect((await failed).message).toMatch(/4 times in a row/)
    expect(retries).toBeLessThanOrEqual(5)
    expect(await inference.screen(scan)).toMatchObject({ ok: false, retry: false })
    await Promise.all(ended)
  })

  test('stop leaves none behind', async () => {
    const inference = await pool()
    await freeze(2)
    const waiting = [0, 1, 2, 3].map(() => inference.screen(scan))
    await inference.stop()
    const results = await Promise.all(waiting)
    for (const result of results) if (!result.ok) expect(result.retry).toBe(true)
    expect(results.some(({ ok }) => !ok)).toBe(true)
    await Promise.all(ended)
  })
})

test('a graphics card gets one session: the pool does not grow on it', async () => {
  const card = join(folder, 'card.mjs')
  writeFileSync(
    card,
    `process.on('message', ({ id, kind }) => process.send({ id, ok: true, value: kind === 'open' ? { provider: 'cuda', note: null } : { width: 1 } }))`,
  )
  const inference = start({ processes: 4 }, card)
  expect(await ready(inference)).toMatchObject({ provider: 'cuda' })
  expect(await inference.screen(scan)).toMatchObject({ ok: true })
  expect(spawned).toHaveLength(1)
})

test('killed (-9) with a bag in hand: that bag may be tried again, and the second try succeeds', async () => {
  const inference = start()
  await ready(inference)
  // Stopped first, so that the kill surely finds the bag in hand.
  process.kill(pidOf(0), 'SIGSTOP')
  const first = inference.screen(scan)
  const waiting = inference.screen(scan)
  process.kill(pidOf(0), 'SIGKILL')
  expect(await first).toMatchObject({ ok: false, retry: true, reason: expect.stringMatching(/SIGKILL/) as string })
  expect(await waiting).toMatchObject({ ok: true })
  expect(await inference.screen(scan)).toMatchObject({ ok: true })
  expect(inference.status()).toMatchObject({ state: 'ready', restarts: 1 })
})

test('hung: after the time-out the process is replaced and the bag may be tried again', async () => {
  const inference = start({ jobTimeout: 6000 })
  await ready(inference)
  process.kill(pidOf(0), 'SIGSTOP')
  expect(await inference.screen(scan)).toMatchObject({
    ok: false,
    retry: true,
    reason: expect.stringMatching(/no answer within 6 s/) as string,
  })
  expect(await inference.screen(scan)).toMatchObject({ ok: true })
  expect(spawned).toHaveLength(2)
})

test('killed between two bags: nobody notices but the status', async () => {
  const inference = start()
  await ready(inference)
  const restarting = until(inference, ({ state }) => state === 'restarting')
  process.kill(pidOf(0), 'SIGKILL')
  expect((await restarting).message).toMatch(/SIGKILL/)
  expect(await inference.screen(scan)).toMatchObject({ ok: true })
})

test('a crash loop ends in "failed": every bag gets the reason at once; a later try succeeds', async () => {
  const broken = join(folder, 'broken.mjs')
  writeFileSync(broken, 'console.error("libonnx: no such thing"); process.exit(3)')
  const inference = start({ firstPause: 1, mostDeaths: 3, tryAgain: 500 }, broken)
  const early = inference.screen(scan)
  const failed = await until(inference, ({ state }) => state === 'failed')
  expect(failed.message).toMatch(/exit code 3.*no such thing.*3 times in a row/)
  expect(await early).toMatchObject({ ok: false, retry: false })
  expect(await inference.screen(scan)).toEqual({ ok: false, retry: false, reason: failed.message })
  expect(spawned).toHaveLength(3)
  // Somebody mends it.
  writeFileSync(broken, `await import(${JSON.stringify(entry)})`)
  await ready(inference)
  expect(await inference.screen(scan)).toMatchObject({ ok: true })
})

test('a graphics driver that takes the process down is set aside: the lane goes on with the CPU', async () => {
  const driver = join(folder, 'driver.mjs')
  writeFileSync(
    driver,
    `process.on('message', ({ kind, cpuOnly }) => kind === 'open' && cpuOnly === null && process.exit(134))
     await import(${JSON.stringify(entry)})`,
  )
  const inference = start({ firstPause: 1 }, driver)
  expect(await inference.screen(scan)).toMatchObject({ ok: true })
  expect(inference.status()).toMatchObject({
    state: 'ready',
    provider: 'cpu',
    providerNote: 'graphics card set aside after 2 failures',
  })
  expect(spawned).toHaveLength(3)
})

test('a process that dies on every bag fails too, although it opens the model each time', async () => {
  const poisoned = join(folder, 'poisoned.mjs')
  writeFileSync(
    poisoned,
    `process.on('message', ({ id, kind }) => kind === 'open' ? process.send({ id, ok: true, value: { provider: 'cpu', note: null } }) : process.exit(9))`,
  )
  const inference = start({ firstPause: 1, mostDeaths: 4 }, poisoned)
  const results = []
  for (let i = 0; i < 5; i += 1) results.push(await inference.screen(scan))
  expect(results.map((result) => result.ok)).toEqual(Array(5).fill(false))
  expect(results.map((result) => !result.ok && result.retry)).toEqual([true, true, true, true, false])
  expect(inference.status().state).toBe('failed')
})

test('a model that is not its manifest fails at once, with the reason on every bag', async () => {
  const other = join(folder, 'other.onnx')
  copyFileSync(model.modelPath, other)
  const inference = start({ modelPath: other, manifest: { ...model.manifest, sha256: '0'.repeat(64) } })
  expect(await inference.screen(scan)).toMatchObject({
    ok: false,
    retry: false,
    reason: expect.stringMatching(/not the one its manifest names/) as string,
  })
  expect(inference.status().state).toBe('failed')
  expect(spawned).toHaveLength(1)
})

test('a process that cannot even be spawned is a failure, not a crash', async () => {
  room = startInference({
    ...model,
    processes: 1,
    firstPause: 1,
    mostDeaths: 2,
    spawn: () => {
      throw new Error('too many processes')
    },
  })
  expect(await room.screen(scan)).toMatchObject({
    ok: false,
    retry: false,
    reason: expect.stringMatching(/too many processes/) as string,
  })
})

test('stop answers what waits, and leaves no process behind', async () => {
  const inference = start()
  await ready(inference)
  process.kill(pidOf(0), 'SIGSTOP')
  const waiting = [inference.screen(scan), inference.screen(scan)]
  const picture = inference.thumbnail(scan)
  picture.catch(() => undefined)
  await inference.stop()
  for (const result of await Promise.all(waiting)) expect(result).toMatchObject({ ok: false, retry: true })
  await expect(picture).rejects.toThrow(/stopping/)
  expect(await inference.screen(scan)).toMatchObject({ ok: false, retry: true })
})

test('the process ends when its parent is gone', async () => {
  const child = fork(entry, [], { serialization: 'advanced' })
  const gone = new Promise<number | null>((resolve) => child.on('exit', resolve))
  child.disconnect()
  expect(await gone).toBe(0)
})

test('pictures: a thumbnail, a lossless PNG of a TIFF, an overlay; the bag that is looked at goes first, then screens, then what was asked for last', async () => {
  const tiff = await raw(bagScan(1200, 700)).tiff({ compression: 'lzw' }).toBuffer()
  const inference = start()
  const order: string[] = []
  const note = (what: string) => (): void => void order.push(what)
  const [small, , lossless] = await Promise.all([
    inference.thumbnail(tiff).finally(note('thumbnail')),
    inference.thumbnail(tiff).finally(note('later thumbnail')),
    inference.lossless(tiff).finally(note('lossless')),
    inference.screen(tiff).finally(note('screen')),
  ])
  expect(order).toEqual(['lossless', 'screen', 'later thumbnail', 'thumbnail'])
  expect(await sharp(small).metadata()).toMatchObject({ format: 'webp', width: 240, height: 140 })
  expect(await sharp(lossless).metadata()).toMatchObject({ format: 'png', width: 1200, height: 700 })
  expect((await sharp(lossless).raw().toBuffer()).equals(Buffer.from(bagScan(1200, 700).data))).toBe(true)
  await expect(inference.thumbnail(Buffer.from('no picture, but words enough to be one'))).rejects.toThrow(/no image of a kind/)
})

test('a screened scan brings its thumbnail along: it is not decoded a second time', async () => {
  const result = await start().screen(await png(bagScan(1200, 700)))
  if (!result.ok) throw new Error(result.reason)
  expect(await sharp(result.output.thumbnail).metadata()).toMatchObject({ format: 'webp', width: 240, height: 140 })
})

test('an overlay shows the scan, tinted where the network looked', async () => {
  const inference = start()
  const bytes = await png(bagScan())
  const result = await inference.screen(bytes)
  if (!result.ok) throw new Error(result.reason)
  expect(result.output.heatmap).toBeNull()
  const heatmap = await inference.heatmap(bytes)
  const before = await sharp(bytes).raw().toBuffer()
  const overlay = await inference.overlay(bytes, heatmap, 0)
  const after = await sharp(overlay).removeAlpha().raw().toBuffer()
  expect(after.length).toBe(before.length)
  const { x, y } = result.output.classes.gun.peak
  const at = 3 * (Math.floor(y * 300) * 400 + Math.floor(x * 400))
  expect(after[at] ?? 0).toBeGreaterThan((before[at] ?? 0) + 40)
  // nothing was seen in the corner
  expect([...after.subarray(0, 3)]).toEqual([...before.subarray(0, 3)])
  await expect(inference.overlay(bytes, heatmap, 9)).rejects.toThrow(/five stacked tiles/)
})

test('a scan that cannot be screened can often still be looked at', async () => {
  const inference = start()
  const cut = (await jpeg(bagScan())).subarray(0, 4000)
  expect(await inference.screen(cut)).toMatchObject({ ok: false, retry: false })
  expect(await sharp(await inference.thumbnail(cut)).metadata()).toMatchObject({ format: 'webp' })
})

test('an entry that is not built is named', () => {
  expect(() => inferenceEntry('/')).toThrow(/npm run build/)
})
