// The image archive on a real disk: written whole, verified when read, and only what nobody needs is let go.
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FRESH_MS } from '../../../src/main/store/archive'
import type { Verdict } from '../../../src/shared/classes'
import { bytesOf, record, sha, tempStore } from './make'

const files = (folder: string): string[] =>
  readdirSync(join(folder, 'archive'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)

test('bytes come back as they were put, under their hash, in one file however often they are put', async () => {
  const { store, folder } = tempStore()
  const bytes = bytesOf('a scan')
  const key = sha(bytes)
  expect(await Promise.all([store.archive.put(bytes, 'jpg'), store.archive.put(bytes, 'jpeg')])).toEqual([key, key])
  expect(Buffer.from((await store.archive.get(key)) ?? [])).toEqual(Buffer.from(bytes))
  expect(files(folder)).toEqual([`${key}.jpg`])
  expect(readFileSync(join(folder, 'archive', key.slice(0, 2), key.slice(2, 4), `${key}.jpg`), 'utf8')).toBe('a scan')
  expect(await store.archive.get(sha('never put'))).toBeNull()
})

test('an extension that is no extension does not become a path', async () => {
  const { store, folder } = tempStore()
  const key = await store.archive.put(bytesOf('x'), '../../evil')
  expect(files(folder)).toEqual([`${key}.bin`])
})

test('a file damaged on the disk is never given out, and is written anew when put again', async () => {
  const { store, folder } = tempStore()
  const bytes = bytesOf('a scan')
  const key = await store.archive.put(bytes, 'png')
  const file = join(folder, 'archive', key.slice(0, 2), key.slice(2, 4), `${key}.png`)
  writeFileSync(file, 'a scaN')
  await expect(store.archive.get(key)).rejects.toThrow('damaged')
  await store.archive.put(bytes, 'png')
  expect(readFileSync(file, 'utf8')).toBe('a scan')
})

test.skipIf(process.getuid?.() === 0)('a folder that may not be written is said in plain words', async () => {
  const { store, folder } = tempStore()
  await store.archive.put(bytesOf('makes the folder'), 'png')
  chmodSync(join(folder, 'archive'), 0o500)
  onTestFinished(() => chmodSync(join(folder, 'archive'), 0o700))
  await expect(store.archive.put(bytesOf('other'), 'png')).rejects.toThrow('The data folder may not be written.')
})

test('nothing but whole files is left in the archive, also after a failed write', async () => {
  const { store, folder } = tempStore()
  const bytes = bytesOf('a scan')
  const key = sha(bytes)
  // a file where the folder should be: mkdir fails
  await store.archive.put(bytesOf('makes the folder'), 'png')
  writeFileSync(join(folder, 'archive', key.slice(0, 2)), 'in the way')
  await expect(store.archive.put(bytes, 'png')).rejects.toThrow('The scan could not be kept')
  expect(files(folder).filter((name) => name.endsWith('.part'))).toEqual([])
})

test('free space is that of the real disk', async () => {
  const { store } = tempStore()
  const { freeBytes, totalBytes } = await store.archive.disk()
  expect(totalBytes).toBeGreaterThan(0)
  expect(freeBytes).toBeLessThanOrEqual(totalBytes)
})

/** Bags in the given order, oldest first; returns ids. */
async function lane(verdicts: (Verdict | null)[]) {
  const made = tempStore()
  const { log, archive } = made.store
  const ids: number[] = []
  for (const [i, verdict] of verdicts.entries()) {
    const content = { sha256: await archive.put(bytesOf(`scan ${i}`), 'png') }
    const { id } = log.receive({ lane: 'n', path: `/${i}.png`, content, kept: true, receivedAt: i })
    if (verdict) log.finish(id, record(verdict, verdict === 'alarm' ? { gun: 'alarm' } : {}))
    ids.push(id)
  }
  made.clock.at += FRESH_MS + 1
  const kept = (): boolean[] => ids.map((id) => log.get(id)?.hasScan ?? false)
  return { ...made, ids, kept, id: (i: number) => ids[i] ?? 0 }
}

test('clear scans beyond the newest go; flagged, unscreenable and unfinished ones stay', async () => {
  const { store, kept, folder } = await lane(['clear', 'alarm', 'advisory', 'unscreenable', null, 'clear', 'clear', 'clear'])
  expect(await store.archive.letGo(2)).toBe(2)
  expect(kept()).toEqual([false, true, true, true, true, false, true, true])
  expect(files(folder)).toHaveLength(6)
  expect(await store.archive.get(sha('scan 0'))).toBeNull()
  expect(await store.archive.letGo(2)).toBe(0)
})

test('a clear scan stays where its bag was held, searched or reviewed', async () => {
  const { store, kept, id } = await lane(['clear', 'clear', 'clear', 'clear', 'clear'])
  const decision = { person: 'Ada', reason: null, at: 1, seconds: 1 }
  store.log.decide(id(0), { ...decision, action: 'hold' })
  store.log.decide(id(1), { ...decision, action: 'search' })
  store.log.decide(id(2), { ...decision, action: 'clear' })
  store.log.review(id(3), { kind: 'missed', found: [{ class: 'gun', where: null }], comment: null, person: 'Cy', at: 1 })
  await store.archive.letGo(0)
  expect(kept()).toEqual([true, true, false, true, false])
})

test.each(['alarm', 'unscreenable', null] as const)('bytes that a bag shares with one that is %s stay', async (verdict) => {
  const { store, kept, id } = await lane(['clear', 'clear'])
  const { log } = store
  const twin = log.receive({ lane: 'n', path: '/twin.png', content: { sha256: sha('scan 0') }, kept: true, receivedAt: 9 })
  if (verdict) log.finish(twin.id, record(verdict))
  await store.archive.letGo(0)
  expect(kept()).toEqual([true, false])
  expect(log.get(id(1))?.hasScan).toBe(false)
  expect(await store.archive.get(sha('scan 0'))).not.toBeNull()
})

test("bytes that are also a flagged bag's heatmap stay", async () => {
  const { store, id } = await lane(['clear', null])
  store.log.finish(id(1), { ...record('alarm', { gun: 'alarm' }), heatmap: sha('scan 0') })
  await store.archive.letGo(0)
  expect(await store.archive.get(sha('scan 0'))).not.toBeNull()
})

test('a scan put a moment ago is not let go, even though its content belongs to old clear bags', async () => {
  const { store, folder } = await lane(['clear', 'clear'])
  await store.archive.put(bytesOf('scan 0'), 'png')
  expect(await store.archive.letGo(0)).toBe(1)
  expect(files(folder)).toEqual([`${sha('scan 0')}.png`])
})

test('content that comes back after it was let go can be shown again for every bag that has it', async () => {
  const { store, kept } = await lane(['clear', 'clear'])
  await store.archive.letGo(0)
  expect(kept()).toEqual([false, false])
  await store.archive.put(bytesOf('scan 1'), 'png')
  store.log.receive({ lane: 'n', path: '/again.png', content: { sha256: sha('scan 1') }, kept: true, receivedAt: 9 })
  expect(kept()).toEqual([false, true])
})

test('putting and letting go at the same time never leaves a received bag without its scan', async () => {
  const { store } = await lane(Array.from({ length: 30 }, () => 'clear' as const))
  const put = async (i: number): Promise<number> => {
    const content = { sha256: await store.archive.put(bytesOf(`scan ${i}`), 'png') }
    return store.log.receive({ lane: 'n', path: `/back ${i}.png`, content, kept: true, receivedAt: 99 }).id
  }
  const [, ...ids] = await Promise.all([store.archive.letGo(0), ...Array.from({ length: 30 }, (_, i) => put(i))])
  for (const id of ids) {
    const key = store.log.images(id)?.scan
    expect(key && (await store.archive.get(key))).toBeTruthy()
  }
})
