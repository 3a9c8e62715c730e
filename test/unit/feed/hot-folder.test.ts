// The hot folder against real files: whole files only, each once, none lost, and trouble said in words.
import { createHash } from 'node:crypto'
import { appendFile, chmod, link, mkdir, open, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { HotFolder, type HotFolderOptions } from '../../../src/main/feed/hot-folder'
import type { Watch, WatchEvents } from '../../../src/main/feed/watcher'
import type { Submit } from '../../../src/main/station/ports'
import { handClock, jpeg, put, recorder, scratch, stays, until } from './helpers'

/** Quick enough for a test, slow enough that a writer's pause is seen as one. */
const QUICK = { glanceMs: 40, settleMs: 120, patienceMs: 700, sweepMs: 15_000, pollMs: 100 }
const running: HotFolder[] = []
async function start(directory: string, submit: Submit, options: Partial<HotFolderOptions> = {}): Promise<HotFolder> {
  const feed = new HotFolder({ lane: 'north', directory, ...QUICK, ...options })
  running.push(feed)
  await feed.start(submit)
  return feed
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((feed) => feed.stop()))
})

describe('what is handed over', () => {
  it('takes files there before the start first, oldest first, then by natural name', async () => {
    await using dir = await scratch()
    await put(join(dir.path, 'c.jpg'), jpeg('c'), 300)
    await put(join(dir.path, 'a.jpg'), jpeg('a'), 100)
    await put(join(dir.path, 'sub/deep/b.PNG'), jpeg('b'), 200)
    await put(join(dir.path, 'bag10.jpg'), jpeg('10'), 50)
    await put(join(dir.path, 'bag9.jpg'), jpeg('9'), 60)
    const { submit, names, scans } = recorder()
    const feed = await start(dir.path, submit)
    await until(() => expect(names()).toHaveLength(5))
    expect(names()).toEqual(['c.jpg', 'b.PNG', 'a.jpg', 'bag9.jpg', 'bag10.jpg'])
    expect(scans[1]).toEqual({
      lane: 'north',
      path: join(dir.path, 'sub/deep/b.PNG'),
      content: { bytes: jpeg('b'), sha256: createHash('sha256').update(jpeg('b')).digest('hex') },
    })
    expect(feed.status()).toMatchObject({ name: 'north', kind: 'folder', state: 'live', seen: 5, message: null })
  })

  it('takes the same mtime in natural order of names', async () => {
    await using dir = await scratch()
    for (const n of [10, 9, 100, 1]) await put(join(dir.path, `bag${n}.jpg`), jpeg(String(n)))
    const when = new Date(Date.now() - 60_000)
    for (const n of [10, 9, 100, 1]) await utimes(join(dir.path, `bag${n}.jpg`), when, when)
    const { submit, names } = recorder()
    await start(dir.path, submit)
    await until(() => expect(names()).toHaveLength(4))
    expect(names()).toEqual(['bag1.jpg', 'bag9.jpg', 'bag10.jpg', 'bag100.jpg'])
  })

  it('takes new files, nested folders that come later, and names with spaces, quotes and emoji', async () => {
    await using dir = await scratch()
    const { submit, names } = recorder()
    await start(dir.path, submit)
    const odd = [`bag "one".jpg`, `it's bag 2.jpeg`, 'ba\u{1F9F3}g.webp', 'überwachung.tif', 'line\nbreak.bmp']
    for (const name of odd) await put(join(dir.path, 'new folder', name), jpeg(name))
    await until(() => expect(names().sort()).toEqual([...odd].sort()))
  })

  it('ignores files of other kinds and says how many', async () => {
    await using dir = await scratch()
    await put(join(dir.path, 'Thumbs.db'), jpeg('x'))
    await put(join(dir.path, 'notes.txt'), Buffer.from('BM is how this text begins'))
    await put(join(dir.path, 'finished.ok'), new Uint8Array())
    await put(join(dir.path, 'a.jpg'), jpeg('a'))
    const { submit, names } = recorder()
    const feed = await start(dir.path, submit)
    await until(() => expect(names()).toEqual(['a.jpg']))
    expect(feed.status().message).toBe('left alone: 1 empty, 1 kept by the storage system, 1 no picture')
    expect(feed.status().state).toBe('live')
  })

  it('holds back: never more than one scan is on its way', async () => {
    await using dir = await scratch()
    for (let i = 0; i < 5; i++) await put(join(dir.path, `${i}.jpg`), jpeg(String(i)))
    let open = 0
    let most = 0
    let taken = 0
    await start(dir.path, async () => {
      most = Math.max(most, ++open)
      await new Promise((resolve) => setTimeout(resolve, 30))
      open -= 1
      taken += 1
      return 'received'
    })
    await until(() => expect(taken).toBe(5))
    expect(most).toBe(1)
  })
})

describe('a file that is still being written', () => {
  it('is read only when it stood still, and then whole', async () => {
    await using dir = await scratch()
    const { submit, scans } = recorder()
    await start(dir.path, submit)
    const whole = slowJpeg()
    const handle = await open(join(dir.path, 'slow.jpg'), 'w')
    for (let at = 0; at < whole.length; at += 1001) {
      await handle.write(whole.subarray(at, at + 1001))
      await stays(60, () => expect(scans).toHaveLength(0))
    }
    await handle.close()
    await until(() => expect(scans).toHaveLength(1))
    expect(scans[0]?.content).toMatchObject({ bytes: whole })
  })

  it('gets more time when it stalls before the end of its format', async () => {
    await using dir = await scratch()
    const { submit, scans } = recorder()
    await start(dir.path, submit)
    const whole = jpeg('stalled')
    const path = join(dir.path, 'stall.jpg')
    await writeFile(path, whole.subarray(0, 40))
    await stays(400, () => expect(scans).toHaveLength(0))
    await appendFile(path, whole.subarray(40))
    await until(() => expect(scans).toHaveLength(1))
    expect(scans[0]?.content).toMatchObject({ bytes: whole })
  })

  it('is handed over all the same when its end never comes: a bag must not wait for ever', async () => {
    await using dir = await scratch()
    await put(join(dir.path, 'cut.jpg'), jpeg('cut').subarray(0, 40))
    await put(join(dir.path, 'empty.jpg'), new Uint8Array())
    const { submit, names } = recorder()
    await start(dir.path, submit)
    await until(() => expect(names().sort()).toEqual(['cut.jpg', 'empty.jpg']))
  })

  it('is ignored under a temporary name and taken at once when renamed into place', async () => {
    await using dir = await scratch()
    const { submit, names } = recorder()
    await start(dir.path, submit, { settleMs: 3000 })
    for (const name of ['.a.jpg', 'b.jpg.tmp', 'c.jpg.part', 'd.jpg~']) await put(join(dir.path, name), jpeg(name))
    await put(join(dir.path, '.staging', 'e.jpg'), jpeg('e'))
    await stays(300, () => expect(names()).toEqual([]))
    const from = performance.now()
    await rename(join(dir.path, 'b.jpg.tmp'), join(dir.path, 'b.jpg'))
    await until(() => expect(names()).toEqual(['b.jpg']))
    expect(performance.now() - from).toBeLessThan(2500)
  })
})

describe('each scan once', () => {
  it('hands a file over once, and again when its content changes', async () => {
    await using dir = await scratch()
    const path = join(dir.path, 'a.jpg')
    await put(path, jpeg('one'))
    const { submit, scans } = recorder()
    await start(dir.path, submit)
    await until(() => expect(scans).toHaveLength(1))
    // touched, not changed
    await put(path, jpeg('one'))
    await stays(400, () => expect(scans).toHaveLength(1))
    await put(path, jpeg('two'))
    await until(() => expect(scans).toHaveLength(2))
    expect(scans[1]?.content).toMatchObject({ bytes: jpeg('two') })
  })

  it('takes no harm from deletes, and a rename of a handed-over file is no new bag', async () => {
    await using dir = await scratch()
    await put(join(dir.path, 'a.jpg'), jpeg('a'))
    await put(join(dir.path, 'b.jpg'), jpeg('b'))
    const { submit, names } = recorder()
    const feed = await start(dir.path, submit)
    await until(() => expect(names().sort()).toEqual(['a.jpg', 'b.jpg']))
    await rename(join(dir.path, 'a.jpg'), join(dir.path, 'a-done.jpg'))
    await unlink(join(dir.path, 'b.jpg'))
    await stays(500, () => expect(names()).toHaveLength(2))
    expect(feed.status().state).toBe('live')
    await put(join(dir.path, 'c.jpg'), jpeg('c'))
    await until(() => expect(names()).toContain('c.jpg'))
    expect(names()).toHaveLength(3)
  })

  it('takes a new scan under a used name, and one that reuses an inode, for what it is: a new bag', async () => {
    await using dir = await scratch()
    const { submit, scans } = recorder()
    await start(dir.path, submit)
    for (const mark of ['1', '2', '3', '4']) {
      const path = join(dir.path, Number(mark) % 2 ? 'odd.jpg' : 'even.jpg')
      await put(path, jpeg(mark))
      await until(() => expect(scans).toHaveLength(Number(mark)))
      await unlink(path)
    }
    expect(scans.map(({ content }) => 'bytes' in content && Buffer.from(content.bytes))).toEqual(['1', '2', '3', '4'].map(jpeg))
  })

  it('hands over as unreadable what was deleted before it could be read', async () => {
    await using dir = await scratch()
    const clock = handClock()
    const path = join(dir.path, 'gone.jpg')
    await put(path, jpeg('gone'))
    const { submit, scans } = recorder()
    // the first look sees it, and it never stands still long enough
    await start(dir.path, submit, { clock })
    await unlink(path)
    clock.advance(20_000)
    await stays(200, () => expect(scans).toHaveLength(0))
    await until(() => {
      clock.advance(200)
      expect(scans).toHaveLength(1)
    })
    expect(scans[0]).toEqual({
      lane: 'north',
      path,
      content: { unreadable: 'The file was deleted before it could be read.', stamp: expect.any(String) as string },
    })
  })

  it('does not report a file as lost that was only renamed before it was read', async () => {
    await using dir = await scratch()
    const clock = handClock()
    await put(join(dir.path, 'working.jpg'), jpeg('w'))
    const { submit, scans } = recorder()
    await start(dir.path, submit, { clock })
    await rename(join(dir.path, 'working.jpg'), join(dir.path, 'bag-1.jpg'))
    await until(() => {
      clock.advance(200)
      expect(scans).toHaveLength(1)
    })
    for (let i = 0; i < 20; i++) {
      clock.advance(2000)
      await stays(30, () => expect(scans).toHaveLength(1))
    }
    expect(scans[0]).toMatchObject({ lane: 'north', path: join(dir.path, 'bag-1.jpg'), content: { bytes: jpeg('w') } })
  })

  it('follows links to files, not to folders: a circle of links ends', async () => {
    await using dir = await scratch()
    await put(join(dir.path, 'in/a.jpg'), jpeg('a'))
    await symlink(dir.path, join(dir.path, 'in/circle'))
    await symlink(join(dir.path, 'in/a.jpg'), join(dir.path, 'linked.jpg'))
    await symlink(join(dir.path, 'nowhere.jpg'), join(dir.path, 'dangling.jpg'))
    const { submit, names } = recorder()
    await start(dir.path, submit)
    await until(() => expect(names().sort()).toEqual(['a.jpg', 'linked.jpg']))
    await stays(200, () => expect(names()).toHaveLength(2))
  })

  it('takes two names of one file for two bags', async () => {
    await using dir = await scratch()
    await put(join(dir.path, 'a.jpg'), jpeg('a'))
    await link(join(dir.path, 'a.jpg'), join(dir.path, 'b.jpg'))
    const { submit, names } = recorder()
    await start(dir.path, submit)
    await until(() => expect(names().sort()).toEqual(['a.jpg', 'b.jpg']))
  })
})

describe('trouble', () => {
  it('says that a folder is missing, and recovers when it comes, goes and comes again', async () => {
    await using dir = await scratch()
    const root = join(dir.path, 'share')
    const { submit, names } = recorder()
    const feed = await start(root, submit)
    expect(feed.status()).toMatchObject({ state: 'error', message: `The folder ${root} cannot be read: it is not there` })
    await put(join(root, 'a.jpg'), jpeg('a'))
    await until(() => expect(names()).toEqual(['a.jpg']))
    expect(feed.status()).toMatchObject({ state: 'live', message: null })
    await rename(root, `${root}-away`)
    await until(() => expect(feed.status().state).toBe('error'))
    await rename(`${root}-away`, root)
    await put(join(root, 'b.jpg'), jpeg('b'))
    await until(() => expect(names()).toEqual(['a.jpg', 'b.jpg']))
    await rm(root, { recursive: true })
    await until(() => expect(feed.status().state).toBe('error'))
    await mkdir(root)
    await until(() => expect(feed.status().state).toBe('live'))
    await put(join(root, 'c.jpg'), jpeg('c'))
    await until(() => expect(names()).toEqual(['a.jpg', 'b.jpg', 'c.jpg']))
  })

  it('hands over a file without permission as unreadable, and reads it once it may', async () => {
    await using dir = await scratch()
    await chmod(dir.path, 0o755)
    const path = join(dir.path, 'secret.jpg')
    await put(path, jpeg('s'))
    await chmod(path, 0o000)
    await asNobody(async () => {
      const { submit, scans } = recorder()
      const feed = await start(dir.path, submit)
      await until(() => expect(scans).toHaveLength(1))
      expect(scans[0]?.content).toMatchObject({ unreadable: 'The file cannot be read: no permission to read it.' })
      asRoot(() => void chmod(path, 0o644))
      feed.status()
      await until(() => expect(scans).toHaveLength(2))
      expect(scans[1]?.content).toMatchObject({ bytes: jpeg('s') })
      await feed.stop()
    })
  })

  it('names a sub-folder without permission and goes on with the rest', async () => {
    await using dir = await scratch()
    await chmod(dir.path, 0o755)
    await put(join(dir.path, 'closed/a.jpg'), jpeg('a'))
    await put(join(dir.path, 'b.jpg'), jpeg('b'))
    await chmod(join(dir.path, 'closed'), 0o000)
    await asNobody(async () => {
      const { submit, names } = recorder()
      const feed = await start(dir.path, submit)
      await until(() => expect(names()).toEqual(['b.jpg']))
      expect(feed.status()).toMatchObject({
        state: 'error',
        message: `The folder ${join(dir.path, 'closed')} cannot be read: no permission to read it`,
      })
      await feed.stop()
    })
    await chmod(join(dir.path, 'closed'), 0o755)
  })

  it('keeps a scan that the station refuses until it takes it', async () => {
    await using dir = await scratch()
    await put(join(dir.path, 'a.jpg'), jpeg('a'), 10)
    await put(join(dir.path, 'b.jpg'), jpeg('b'), 5)
    let full = true
    const { submit, names } = recorder()
    const feed = await start(dir.path, (scan) => (full ? Promise.reject(new Error('The disk is full.')) : submit(scan)))
    await until(() => expect(feed.status()).toMatchObject({ state: 'error', message: 'Scans are waiting: The disk is full.' }))
    full = false
    await until(() => expect(names()).toEqual(['a.jpg', 'b.jpg']))
    expect(feed.status().state).toBe('live')
  })

  it('falls back to polling where the system has no watches left, and says so', async () => {
    await using dir = await scratch()
    let events: WatchEvents | undefined
    const watch: Watch = (_directory, given) => {
      events = given
      return { close: () => Promise.resolve() }
    }
    const { submit, names } = recorder()
    const feed = await start(dir.path, submit, { watch })
    events?.failed("the system's limit of file watches is used up")
    await put(join(dir.path, 'a.jpg'), jpeg('a'))
    await until(() => expect(names()).toEqual(['a.jpg']))
    expect(feed.status()).toMatchObject({
      state: 'live',
      message: "looking every 0.1 s (the system's limit of file watches is used up)",
    })
  })

  it('finds what the watcher did not tell, by looking again', async () => {
    await using dir = await scratch()
    const deaf: Watch = () => ({ close: () => Promise.resolve() })
    const { submit, names } = recorder()
    await start(dir.path, submit, { watch: deaf, sweepMs: 200 })
    await put(join(dir.path, 'sub/a.jpg'), jpeg('a'))
    await until(() => expect(names()).toEqual(['a.jpg']))
  })

  it('works by polling alone when asked to', async () => {
    await using dir = await scratch()
    const { submit, names } = recorder()
    const feed = await start(dir.path, submit, { polling: true })
    await put(join(dir.path, 'a.jpg'), jpeg('a'))
    await until(() => expect(names()).toEqual(['a.jpg']))
    expect(feed.status().message).toBe('looking every 0.1 s (asked to)')
  })
})

it('loses nothing and doubles nothing in a storm of writes, renames and folders', async () => {
  await using dir = await scratch()
  const { submit, scans } = recorder()
  await start(dir.path, submit)
  const work = Array.from({ length: 120 }, async (_, i) => {
    const folder = join(dir.path, `belt${i % 7}`)
    await mkdir(folder, { recursive: true })
    if (i % 3 === 0) {
      await put(join(folder, `${i}.jpg.part`), jpeg(String(i)))
      await rename(join(folder, `${i}.jpg.part`), join(folder, `${i}.jpg`))
    } else await put(join(folder, `${i}.jpg`), jpeg(String(i)))
  })
  await Promise.all(work)
  await until(() => expect(scans).toHaveLength(120))
  await stays(400, () => expect(scans).toHaveLength(120))
  expect(new Set(scans.map(({ path }) => path)).size).toBe(120)
})

/** A whole JPEG of some 5 KB: its comment is long. */
function slowJpeg(): Buffer {
  const whole = jpeg('slow')
  const comment = Buffer.concat([Buffer.of(0xff, 0xfe, 0x13, 0x88), Buffer.alloc(5000 - 2, 7)])
  return Buffer.concat([whole.subarray(0, 2), comment, whole.subarray(2)])
}

const NOBODY = 65534
/** Root may read everything: the work is done as nobody. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return work()
  process.seteuid?.(NOBODY)
  try {
    await work()
  } finally {
    process.seteuid?.(0)
  }
}
function asRoot(work: () => void): void {
  process.seteuid?.(process.getuid?.() ?? 0)
  work()
}
