// Faults that lost bags elsewhere, each as a folder that a scanner, a gateway or a share can leave: every bag gets its row, and nothing else does.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, open, rename, rm, stat, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { HotFolder, type HotFolderOptions } from '../../../src/main/feed/hot-folder'
import * as looks from '../../../src/main/files/look'
import type { Submit } from '../../../src/main/station/ports'
import { bagScan, raw } from '../inference/scans'
import { handClock, jpeg, put, recorder, scratch, stays, until } from './helpers'

const QUICK = { glanceMs: 40, settleMs: 150, patienceMs: 900, sweepMs: 15_000, pollMs: 100 }
const running: HotFolder[] = []
async function start(directory: string, submit: Submit, options: Partial<HotFolderOptions> = {}): Promise<HotFolder> {
  const feed = new HotFolder({ lane: 'north', directory, ...QUICK, ...options })
  running.push(feed)
  await feed.start(submit)
  return feed
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((feed) => feed.stop()))
  vi.mocked(looks.lookAt).mockReset()
})
vi.mock('../../../src/main/files/look', { spy: true })
/** Changes what the file system says of each file. */
function sees(change: (look: looks.Look) => looks.Look): void {
  vi.mocked(looks.lookAt).mockImplementation(async (at) => {
    const found = await stat(at, { bigint: true }).catch(() => null)
    return found?.isFile() === true ? change(looks.lookOf(found)) : 'gone'
  })
}
const path = (bytes: number[], folder: string): Buffer => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(bytes)])
const unread = (why: RegExp): unknown => ({
  unreadable: expect.stringMatching(why) as string,
  stamp: expect.any(String) as string,
})

describe('which file it is', () => {
  it('reports a scan that was deleted before it was read, though the next one got its inode', async () => {
    await using dir = await scratch()
    const clock = handClock()
    const [a, b] = [join(dir.path, 'bag-A.jpg'), join(dir.path, 'bag-B.jpg')]
    await put(a, jpeg('A'))
    const { submit, scans } = recorder()
    await start(dir.path, submit, { clock })
    const { ino } = await stat(a)
    await unlink(a)
    await put(b, jpeg('B'))
    // where this file system did not reuse it, the look says that it did
    if ((await stat(b)).ino !== ino) sees((look) => ({ ...look, inode: BigInt(ino) }))
    await until(() => {
      clock.advance(200)
      expect(scans).toHaveLength(2)
    })
    const of = (path: string) => scans.find((scan) => scan.path === path)?.content
    expect(of(a)).toEqual(unread(/deleted before/))
    expect(of(b)).toMatchObject({ bytes: jpeg('B') })
  })

  it('reports a scan that another one replaced before it was read', async () => {
    await using dir = await scratch()
    const clock = handClock()
    const current = join(dir.path, 'current.jpg')
    await put(current, jpeg('first'))
    const { submit, scans } = recorder()
    await start(dir.path, submit, { clock })
    await put(join(dir.path, 'next.tmp'), jpeg('second'))
    await rename(join(dir.path, 'next.tmp'), current)
    await until(() => {
      clock.advance(200)
      expect(scans).toHaveLength(2)
    })
    expect(scans.map(({ content }) => content)).toEqual(
      expect.arrayContaining([unread(/replaced by another/), expect.objectContaining({ bytes: jpeg('second') })]),
    )
  })

  it.each([
    ['are all 0', () => 0n],
    ['change from look to look', () => BigInt(Math.floor(Math.random() * 1e9))],
  ])('works on a share whose inodes %s', async (_, inode) => {
    await using dir = await scratch()
    sees((look) => ({ ...look, inode: inode(), born: 0n }))
    const { submit, scans, names } = recorder()
    await start(dir.path, submit, { sweepMs: 60 })
    for (const mark of ['1', '2', '3']) await put(join(dir.path, `${mark}.jpg`), jpeg(mark))
    await until(() => expect(names().sort()).toEqual(['1.jpg', '2.jpg', '3.jpg']))
    await unlink(join(dir.path, '1.jpg'))
    await put(join(dir.path, '4.jpg'), jpeg('4'))
    await until(() => expect(names().sort()).toEqual(['1.jpg', '2.jpg', '3.jpg', '4.jpg']))
    await stays(400, () => expect(scans).toHaveLength(4))
  })

  it('takes a copy of a former scan, with its times, for a new bag', async () => {
    await using dir = await scratch()
    const when = new Date(Date.now() - 3_600_000)
    const { submit, names } = recorder()
    await start(dir.path, submit, { sweepMs: 60 })
    for (const name of ['a.jpg', 'b.jpg', 'c.jpg']) {
      await put(join(dir.path, name), jpeg('same'))
      await utimes(join(dir.path, name), when, when)
      await until(() => expect(names()).toContain(name))
      await unlink(join(dir.path, name))
    }
    expect(names()).toEqual(['a.jpg', 'b.jpg', 'c.jpg'])
  })

  it('takes a file whose times never stand still by its content', async () => {
    await using dir = await scratch()
    sees((look) => ({ ...look, signature: `${look.signature}:${Math.random()}` }))
    const { submit, scans } = recorder()
    await start(dir.path, submit, { sweepMs: 60, patienceMs: 300 })
    await put(join(dir.path, 'a.jpg'), jpeg('restless'))
    await until(() => expect(scans).toHaveLength(1))
    expect(scans[0]?.content).toMatchObject({ bytes: jpeg('restless') })
    await stays(600, () => expect(scans).toHaveLength(1))
  })
})

describe('names', () => {
  it('takes names that are not valid text for as many bags, shown by their bytes', async () => {
    await using dir = await scratch()
    const { submit, scans, names } = recorder()
    await start(dir.path, submit)
    // Latin-1, a cut sequence, a lone byte; and the text that the first would be shown as
    const odd = [
      [0x47, 0xe4, 0x2e, 0x6a, 0x70, 0x67],
      [0x47, 0xf6, 0x2e, 0x6a, 0x70, 0x67],
      [0xc3, 0x2e, 0x6a, 0x70, 0x67],
      [...Buffer.from('G\\xE4.jpg')],
    ]
    for (const [i, name] of odd.entries()) await writeFile(path(name, dir.path), jpeg(String(i)))
    await until(() => expect(names().sort()).toEqual(['G\\x5CxE4.jpg', 'G\\xE4.jpg', 'G\\xF6.jpg', '\\xC3.jpg']))
    expect(scans.every(({ content }) => 'bytes' in content)).toBe(true)
    // the first name once more, with other content
    await unlink(path(odd[0] ?? [], dir.path))
    await writeFile(path(odd[0] ?? [], dir.path), jpeg('new'))
    await until(() => expect(names().filter((name) => name === 'G\\xE4.jpg')).toHaveLength(2))
    expect(scans.at(-1)?.content).toMatchObject({ bytes: jpeg('new') })
  })

  it('looks into folders of such names too, and reports what is deleted in them before it is read', async () => {
    await using dir = await scratch()
    const clock = handClock()
    const folder = path([0xff, 0xfe], dir.path)
    await mkdir(folder)
    await writeFile(Buffer.concat([folder, Buffer.from('/a.jpg')]), jpeg('a'))
    await writeFile(Buffer.concat([folder, Buffer.from('/b.jpg')]), jpeg('b'))
    const { submit, scans } = recorder()
    await start(dir.path, submit, { clock })
    await unlink(Buffer.concat([folder, Buffer.from('/b.jpg')]))
    await until(() => {
      clock.advance(200)
      expect(scans).toHaveLength(2)
    })
    expect(scans.map(({ path }) => path).sort()).toEqual(['a', 'b'].map((name) => join(dir.path, `\\xFF\\xFE/${name}.jpg`)))
    expect(scans.find(({ path }) => path.endsWith('b.jpg'))?.content).toEqual(unread(/deleted/))
  })
})

describe('what is a bag', () => {
  it.each(['IM000001', 'bag.jpg;1', 'bag.jpg.1', 'bag.jpg ', 'bag (2).jpg', 'bag.2026.003', 'scan.dat'])(
    'takes %j by its content',
    async (name) => {
      await using dir = await scratch()
      const { submit, names } = recorder()
      await start(dir.path, submit)
      await put(join(dir.path, name), jpeg('x'))
      await until(() => expect(names()).toEqual([name]))
    },
  )

  it.each(['bag.jpg', 'bag.jpg;1', 'bag.jpg.12', 'bag.PNG '])('takes %j by its name, whatever it holds', async (name) => {
    await using dir = await scratch()
    const { submit, names } = recorder()
    await start(dir.path, submit)
    await put(join(dir.path, name), Buffer.from('not a picture'))
    await until(() => expect(names()).toEqual([name]))
  })

  it('waits for a file without an ending whose first bytes come late', async () => {
    await using dir = await scratch()
    const { submit, scans } = recorder()
    await start(dir.path, submit, { sweepMs: 60 })
    const file = await open(join(dir.path, 'IM000002'), 'w')
    await file.truncate(jpeg('x').length)
    await stays(300, () => expect(scans).toHaveLength(0))
    await file.write(jpeg('x'))
    await file.close()
    await until(() => expect(scans).toHaveLength(1))
    expect(scans[0]?.content).toMatchObject({ bytes: jpeg('x') })
  })

  it('tells of an unfinished file that holds a picture and stands still, and counts what it leaves alone', async () => {
    await using dir = await scratch()
    await put(join(dir.path, 'bag 7.jpg.part'), jpeg('7'))
    await put(join(dir.path, '~lock'), Buffer.from('a text'))
    await put(join(dir.path, 'notes.txt'), Buffer.from('a text'))
    const { submit, scans } = recorder()
    const feed = await start(dir.path, submit, { sweepMs: 40, stuckMs: 250 })
    expect(feed.status()).toMatchObject({ state: 'live', message: 'left alone: 1 no picture, 2 unfinished' })
    await until(() => expect(feed.status().state).toBe('error'))
    expect(feed.status().message).toBe(
      `Not screened, since their writer has not finished them for a while: ${join(dir.path, 'bag 7.jpg.part')}; left alone: 1 no picture, 1 unfinished`,
    )
    await rename(join(dir.path, 'bag 7.jpg.part'), join(dir.path, 'bag 7.jpg'))
    await until(() => expect(scans).toHaveLength(1))
    await until(() => expect(feed.status().state).toBe('live'))
  })

  it.each([
    '@eaDir',
    '#recycle',
    '#snapshot',
    '.snapshot',
    '$RECYCLE.BIN',
    'System Volume Information',
    'lost+found',
    '.Trash-1000',
    '.AppleDouble',
    '@Recycle',
    '~snapshot',
    '@GMT-2026.01.31-12.00.00',
  ])('never enters %s, neither at a look nor by its watcher', async (folder) => {
    await using dir = await scratch()
    await put(join(dir.path, folder, 'old.jpg'), jpeg('old'))
    await put(join(dir.path, 'sub', folder, 'bag.jpg', 'THUMB.jpg'), jpeg('thumb'))
    const { submit, names } = recorder()
    const feed = await start(dir.path, submit, { sweepMs: 60 })
    await put(join(dir.path, folder, 'new.jpg'), jpeg('new'))
    await put(join(dir.path, 'bag.jpg'), jpeg('bag'))
    await until(() => expect(names()).toEqual(['bag.jpg']))
    await stays(200, () => expect(names()).toHaveLength(1))
    expect(feed.status().message).toBe('left alone: 2 hidden or system folders')
  })

  it('follows no link out of the folder, and says so', async () => {
    await using dir = await scratch()
    await using other = await scratch()
    await put(join(other.path, 'secret.jpg'), jpeg('secret'))
    await symlink(join(other.path, 'secret.jpg'), join(dir.path, 'a.jpg'))
    const { submit, scans } = recorder()
    const feed = await start(dir.path, submit, { sweepMs: 60 })
    await stays(400, () => expect(scans).toHaveLength(0))
    expect(feed.status().message).toBe('left alone: 1 link out of the folder')
  })
})

describe('whether it is still being written', () => {
  it("judges by the station's own clock, whatever times the server gives", async () => {
    await using dir = await scratch()
    const { submit, scans } = recorder()
    await start(dir.path, submit)
    const target = join(dir.path, 's.jpg')
    const back = () => utimes(target, Date.now() / 1000 - 3600, Date.now() / 1000 - 3600)
    const whole = jpeg('skewed')
    const file = await open(target, 'w')
    await file.write(whole.subarray(0, 60))
    await back()
    await stays(500, () => expect(scans).toHaveLength(0))
    await file.write(whole.subarray(60))
    await file.close()
    await back()
    await until(() => expect(scans).toHaveLength(1))
    expect(scans[0]?.content).toMatchObject({ bytes: whole })
    await stays(1200, () => expect(scans).toHaveLength(1))
  })

  it.each(['tiff', 'bmp-like'])('waits for a file of full size that is not written to its end: %s', async (kind) => {
    await using dir = await scratch()
    const { submit, scans } = recorder()
    await start(dir.path, submit)
    const drawing = bagScan()
    const whole =
      kind === 'tiff'
        ? await raw(drawing).tiff({ compression: 'none' }).toBuffer()
        : (await import('../inference/scans')).bmp(drawing)
    const file = await open(join(dir.path, `copy.${kind === 'tiff' ? 'tif' : 'bmp'}`), 'w')
    await file.truncate(whole.length)
    await file.write(whole.subarray(0, Math.floor(whole.length * 0.6)))
    await stays(500, () => expect(scans).toHaveLength(0))
    await file.write(whole.subarray(Math.floor(whole.length * 0.6)))
    await file.close()
    await until(() => expect(scans).toHaveLength(1))
    expect(scans[0]?.content).toMatchObject({ bytes: whole })
  })

  it('does not let a file wait that is whole by its own format, unless its name was used before', async () => {
    await using dir = await scratch()
    const { submit, scans } = recorder()
    await start(dir.path, submit, { settleMs: 5000, patienceMs: 8000 })
    const from = performance.now()
    await put(
      join(dir.path, 'a.jpg'),
      await sharp(bagScan().data, { raw: { width: 400, height: 300, channels: 3 } })
        .jpeg()
        .toBuffer(),
    )
    await until(() => expect(scans).toHaveLength(1))
    expect(performance.now() - from).toBeLessThan(2500)
    await put(join(dir.path, 'a.jpg'), jpeg('written over'))
    await stays(800, () => expect(scans).toHaveLength(1))
  })
})

describe('the folder itself', () => {
  it.runIf(existsSync('/dev/shm'))(
    'puts the lane in error when the folder becomes another device, goes on screening, and recovers',
    async () => {
      await using dir = await scratch()
      const other = await mkdtemp('/dev/shm/lanescope-')
      onTestFinished(() => rm(other, { recursive: true }))
      const [root, here] = [join(dir.path, 'share'), join(dir.path, 'here')]
      await mkdir(here)
      await symlink(here, root)
      const { submit, names } = recorder()
      const feed = await start(root, submit, { polling: true })
      await put(join(here, 'a.jpg'), jpeg('a'))
      await until(() => expect(names()).toEqual(['a.jpg']))
      const point = async (target: string) => {
        await symlink(target, `${root}.new`)
        await rename(`${root}.new`, root)
      }
      await point(other)
      await until(() =>
        expect(feed.status()).toMatchObject({
          state: 'error',
          message: expect.stringMatching(/on another device than before/) as string,
        }),
      )
      await put(join(other, 'b.jpg'), jpeg('b'))
      await until(() => expect(names()).toEqual(['a.jpg', 'b.jpg']))
      expect(feed.status().state).toBe('error')
      await point(here)
      await until(() => expect(feed.status().state).toBe('live'))
    },
  )
})

describe('after a restart', () => {
  it('takes new files first, then looks again into those it remembers, and sees one that was written over in place', async () => {
    await using dir = await scratch()
    const [feedFolder, memory] = [join(dir.path, 'feed'), join(dir.path, 'data', 'north.seen')]
    for (let i = 0; i < 5; i += 1) await put(join(feedFolder, `old ${i}.jpg`), jpeg(`old ${i}`), 100 - i)
    const first = recorder()
    const before = await start(feedFolder, first.submit, { memory })
    await until(() => expect(first.scans).toHaveLength(5))
    await before.stop()
    await put(join(feedFolder, 'new.jpg'), jpeg('new'))
    // same size, same time of change: only the times that nobody can set tell
    const overwritten = join(feedFolder, 'old 2.jpg')
    const { atime, mtime } = await stat(overwritten)
    await writeFile(overwritten, jpeg('OLD 2'))
    await utimes(overwritten, atime, mtime)
    const again = recorder()
    const feed = await start(
      feedFolder,
      (scan) => again.submit(scan).then(() => (/old [^2]/.test(scan.path) ? 'known' : 'received')),
      { memory },
    )
    await until(() => expect(again.names()).toHaveLength(6))
    expect(again.names().slice(0, 2).sort()).toEqual(['new.jpg', 'old 2.jpg'])
    expect(again.scans.find(({ path }) => basename(path) === 'old 2.jpg')?.content).toMatchObject({ bytes: jpeg('OLD 2') })
    expect(feed.status().seen).toBe(2)
  })

  it('reads everything again where its memory is torn', async () => {
    await using dir = await scratch()
    const [feedFolder, memory] = [join(dir.path, 'feed'), join(dir.path, 'north.seen')]
    await put(join(feedFolder, 'a.jpg'), jpeg('a'))
    await writeFile(memory, '["/feed/a.jpg","12\n{"]\u0000\n["x"]\n')
    const { submit, names } = recorder()
    await start(feedFolder, submit, { memory })
    await until(() => expect(names()).toEqual(['a.jpg']))
  })
})
