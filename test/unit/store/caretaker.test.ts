// What is looked after beside the lane: pages, record, archive, unfinished bags, backups, and rights on files.
import Database from 'better-sqlite3'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { FRESH_MS } from '../../../src/main/store/archive'
import { doChore } from '../../../src/main/store/chores'
import { openStore, type Store } from '../../../src/main/store'
import { backupsOf, restore } from '../../../src/main/store/restore'
import { FolderInUse } from '../../../src/main/store/errors'
import type { CaredLane } from '../../../src/main/station/ports'
import { live } from './forger'
import { bytesOf, record, sha, tempFolder, tempStore } from './make'

/** A lane that only takes note of what it is told. */
function lane() {
  const troubles = new Map<string, string>()
  const submitted: string[] = []
  const finished: number[] = []
  const cared: CaredLane = {
    raise: (kind, words) => void troubles.set(kind, words),
    over: (kind) => void troubles.delete(kind),
    quiet: () => true,
    submit: (scan) => {
      submitted.push(scan.path)
      return Promise.resolve('received')
    },
    finish: (ids) => void finished.push(...ids),
  }
  return { cared, troubles, submitted, finished }
}
async function cared(store: Store) {
  const told = lane()
  store.caretaker.start(told.cared)
  await store.caretaker.rest()
  return told
}
const chore = (folder: string) => ({ folder, keyFile: join(folder, 'lanescope.key') })

function fillBags(store: Store, bags: number): void {
  for (let i = 0; i < bags; i += 1) {
    const { id } = store.log.receive({
      lane: 'n',
      path: `/feed/${i}.png`,
      content: { sha256: sha(`${i}`) },
      kept: false,
      receivedAt: i,
    })
    store.log.finish(id, record(i % 9 === 0 ? 'alarm' : 'clear', i % 9 === 0 ? { gun: 'alarm' } : {}))
  }
}

test('damaged pages: every one of 12 is noticed at the start, by its structure or by what stood in it', async () => {
  const { store, folder } = tempStore()
  fillBags(store, 120)
  store.close()
  const file = join(folder, 'lanescope.sqlite')
  const packed = new Database(file)
  // no free pages: what stands in those is nobody's
  packed.pragma('journal_mode = DELETE')
  packed.exec('VACUUM')
  packed.close()
  const whole = readFileSync(file)
  const pageSize = whole.readUInt16BE(16)
  const pages = whole.length / pageSize
  expect(pages).toBeGreaterThan(30)
  const missed: number[] = []
  for (let n = 0; n < 12; n += 1) {
    // page 1 is the schema's; every third page from there on
    const page = 1 + Math.floor((n * (pages - 1)) / 12)
    const damaged = Buffer.from(whole)
    // noise, zeros, or another page's content (a lost write that went astray), in turn
    const other = ((page + 7) % pages) * pageSize
    const place = damaged.subarray(page * pageSize, (page + 1) * pageSize)
    if (n % 3 === 1) place.fill(0)
    else if (n % 3 === 2) whole.copy(place, 0, other, other + pageSize)
    // an empty page in the place of another empty one is no damage
    if (place.equals(whole.subarray(page * pageSize, (page + 1) * pageSize)))
      for (let i = 0; i < pageSize; i += 1) place[i] = (i * 151 + n * 7 + (i >> 3)) & 0xff
    writeFileSync(file, damaged)
    try {
      const again = openStore({ folder })
      const { troubles } = await cared(again)
      await again.caretaker.stop()
      again.close()
      if (!troubles.has('database') && !troubles.has('audit')) missed.push(page)
    } catch (error) {
      expect(String(error)).toContain('damaged')
    }
    for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true })
  }
  expect(missed).toEqual([])
})

test('a page damaged while the lane runs raises a trouble at the first reading of it', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] })
  const { store, folder } = tempStore()
  fillBags(store, 300)
  const file = join(folder, 'lanescope.sqlite')
  const { troubles } = await cared(store)
  expect([...troubles]).toEqual([])
  const beside = new Database(file)
  beside.pragma('wal_checkpoint(TRUNCATE)')
  beside.close()
  const size = statSync(file).size
  const fd = openSync(file, 'r+')
  for (let at = 4096; at < size; at += 4096) writeSync(fd, Buffer.alloc(512, 0xa5), 0, 512, at)
  closeSync(fd)
  // what was read before is in SQLite's memory; another connection's write throws that away
  const other = new Database(file)
  try {
    other.pragma('user_version')
    other.exec('BEGIN IMMEDIATE; PRAGMA user_version = 6; COMMIT')
  } finally {
    other.close()
  }
  expect(() => store.log.recent(300)).toThrow()
  vi.advanceTimersByTime(1000)
  expect(troubles.get('database')).toContain('The database is damaged')
  await store.caretaker.stop()
  vi.useRealTimers()
})

test('an unfinished bag that the index does not know is found by the table', async () => {
  const { store, folder } = tempStore()
  fillBags(store, 5)
  const { id } = store.log.receive({ lane: 'n', path: '/left', content: { sha256: 'left' }, kept: true, receivedAt: 9 })
  store.close()
  const db = new Database(join(folder, 'lanescope.sqlite'))
  // an index that lost its entry, as a damaged page makes it: rebuilt for other rows, then named as before
  db.unsafeMode(true)
  db.exec('DROP INDEX bags_unfinished; CREATE INDEX bags_unfinished ON bags (id) WHERE verdict IS NULL AND id < 0')
  db.pragma('writable_schema = ON')
  db.exec(
    `UPDATE sqlite_schema SET sql = 'CREATE INDEX bags_unfinished ON bags (id) WHERE verdict IS NULL' WHERE name = 'bags_unfinished'`,
  )
  db.close()
  const again = openStore({ folder })
  const { finished, troubles } = await cared(again)
  expect(finished).toEqual([id])
  expect(troubles.get('database')).toContain('damaged')
  await again.caretaker.stop()
  again.close()
})

test('the archive is compared with the rows: bytes without a row become a bag, rows without bytes are said, leftovers go', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'performance'] })
  const { store, folder, clock } = tempStore()
  const put = async (text: string): Promise<string> => store.archive.put(bytesOf(text), 'png')
  const kept = await put('kept')
  const gone = await put('gone')
  const letGo = await put('let go')
  for (const [i, sha256] of [kept, gone, letGo].entries()) {
    const { id } = store.log.receive({ lane: 'n', path: `/${i}`, content: { sha256 }, kept: true, receivedAt: i })
    store.log.finish(id, record(sha256 === letGo ? 'clear' : 'alarm'))
  }
  clock.at += FRESH_MS + 1
  const orphan = await put('a scan whose row the power cut took')
  await store.archive.put(bytesOf('a heatmap of no bag'), 'heat')
  const at = (sha256: string, extension = 'png'): string =>
    join(folder, 'archive', sha256.slice(0, 2), sha256.slice(2, 4), `${sha256}.${extension}`)
  await store.archive.letGo(0)
  // as a kill between the two leaves it
  mkdirSync(join(at(letGo), '..'), { recursive: true })
  writeFileSync(at(letGo), 'let go')
  writeFileSync(join(folder, 'archive', '.0000-1.part'), 'half')
  rmSync(at(gone))
  store.close()

  const again = openStore({ folder, clock })
  const { troubles, submitted } = await cared(again)
  expect(troubles.get('missing')).toBe('The pictures of bag 2 are missing from the archive.')
  expect([existsSync(at(letGo)), existsSync(at(kept)), existsSync(join(folder, 'archive', '.0000-1.part'))]).toEqual([
    false,
    true,
    false,
  ])
  expect(existsSync(at(sha('a heatmap of no bag'), 'heat'))).toBe(false)
  // its feed has a while to bring it again under its own name
  expect(submitted).toEqual([])
  vi.advanceTimersByTime(7000)
  await again.caretaker.rest()
  expect(submitted).toEqual([at(orphan)])
  await again.caretaker.stop()
  again.close()
  vi.useRealTimers()
})

test('what the feed brought again meanwhile becomes no second bag', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'performance'] })
  const { store } = tempStore()
  const sha256 = await store.archive.put(bytesOf('a'), 'png')
  const { submitted } = await cared(store)
  store.log.receive({ lane: 'n', path: '/a.png', content: { sha256 }, kept: true, receivedAt: 1 })
  vi.advanceTimersByTime(7000)
  await store.caretaker.rest()
  expect(submitted).toEqual([])
  await store.caretaker.stop()
  vi.useRealTimers()
})

test('a backup is whole, is made only when something was written, and the oldest go', async () => {
  const { store, folder } = tempStore()
  const made: string[] = []
  for (let i = 0; i < 5; i += 1) {
    store.log.receive({ lane: 'n', path: `/${i}`, content: { sha256: `${i}` }, kept: false, receivedAt: i })
    made.push((await doChore('backup', chore(folder))) ?? '')
  }
  expect(await doChore('backup', chore(folder))).toBeNull()
  expect(
    readdirSync(join(folder, 'backup'))
      .map((name) => join(folder, 'backup', name))
      .toSorted(),
  ).toEqual(made.slice(-3))
  expect(statSync(made[4] ?? '').mode & 0o777).toBe(0o600)
  const copy = new Database(made[4] ?? '', { readonly: true })
  expect(copy.prepare('SELECT count(*) FROM bags').pluck().get()).toBe(5)
  copy.close()
})

test('restore puts the newest backup back, says what is missing, and the record stays whole and says so, too', async () => {
  const { store, folder } = tempStore()
  live(store)
  await doChore('backup', chore(folder))
  const links = store.head()?.links ?? 0
  fillBags(store, 3)
  store.log.decide(6, { action: 'hold', person: 'Ada', reason: null, at: 1, seconds: 1 })
  expect(() => restore(folder, backupsOf(folder)[0]?.file ?? '', { now: 1 })).toThrow(FolderInUse)
  store.close()
  const file = join(folder, 'lanescope.sqlite')
  const restored = restore(folder, backupsOf(folder)[0]?.file ?? '', { now: 1_800_000_000_000 })
  expect(restored).toMatchObject({ linksLost: 8, bags: { lost: 3, first: 6, last: 8 }, decisions: 1 })
  expect(restored.says).toContain('bags 6 to 8 are missing, and 1 decisions')
  expect(existsSync(restored.aside ?? '')).toBe(true)
  const again = openStore({ folder })
  expect(again.findings).toEqual([])
  expect(again.verifyAudit()).toMatchObject({
    ok: true,
    links: links + 1,
    notes: [expect.stringContaining('A backup was put back')],
  })
  live(again)
  expect(again.verifyAudit()).toMatchObject({ ok: true })
  again.close()
  expect(existsSync(file)).toBe(true)
})

test('restore works where the database cannot be read at all, and refuses a damaged backup', async () => {
  const { store, folder } = tempStore()
  live(store)
  const backup = (await doChore('backup', chore(folder))) ?? ''
  store.close()
  const file = join(folder, 'lanescope.sqlite')
  writeFileSync(file, 'not a database at all, '.repeat(500))
  expect(() => openStore({ folder })).toThrow('damaged')
  const bad = join(tempFolder(), 'bad.sqlite')
  writeFileSync(bad, readFileSync(backup).fill(0xa5, 4096, 3 * 4096))
  expect(() => restore(folder, bad, { now: 1 })).toThrow('damaged itself')
  expect(restore(folder, backup, { now: 1 })).toMatchObject({ bags: null, linksLost: 0 })
  const again = openStore({ folder })
  expect(again.verifyAudit()).toMatchObject({ ok: true })
  again.close()
})

test.skipIf(process.platform === 'win32')(
  "everything in the data folder is its owner's alone, also what an earlier version left open",
  async () => {
    const { store, folder } = tempStore()
    await store.archive.put(bytesOf('a'), 'png')
    store.log.receive({ lane: 'n', path: '/a', content: { sha256: 'a' }, kept: false, receivedAt: 1 })
    const all = (): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
    const open = (): string[] => [folder, ...all()].filter((path) => (statSync(path).mode & 0o077) !== 0)
    await doChore('backup', chore(folder))
    expect(open()).toEqual([])
    store.close()
    for (const path of [...all(), folder]) chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644)
    expect(open().length).toBeGreaterThan(8)
    const again = openStore({ folder })
    await cared(again)
    expect(open()).toEqual([])
    await again.caretaker.stop()
    again.close()
  },
)
