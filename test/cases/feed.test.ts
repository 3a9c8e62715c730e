// Cases 01, 03, 06 and 07: files as shares, gateways and copying programs leave them. Right: one row a bag, and the verdict of the whole scan.
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { CLEAR, stationOn, THREAT, wait } from './station'

const told = (found: { path: string; verdict: string | null }[]) =>
  found.map(({ path, verdict }) => [basename(path), verdict]).toSorted()

test('01 inode reuse: a bag deleted half a second later has its row, and the one that gets its inode too', async () => {
  const { feed, settled } = await stationOn()
  writeFileSync(join(feed, 'bag-A.jpg'), THREAT)
  await wait(500)
  rmSync(join(feed, 'bag-A.jpg'))
  writeFileSync(join(feed, 'bag-B.jpg'), CLEAR)
  const found = told(await settled(2))
  expect(found.map(([name]) => name)).toEqual(['bag-A.jpg', 'bag-B.jpg'])
  // screened in time, or deleted before it could be read: never clear
  expect(['alarm', 'unscreenable']).toContain(found[0]?.[1])
  expect(found[1]?.[1]).toBe('clear')
})

test('03 names that are not valid UTF-8: three bags, three rows', async () => {
  const { feed, settled } = await stationOn()
  const name = (byte: number): Buffer => Buffer.concat([Buffer.from(`${feed}/Gep`), Buffer.of(byte), Buffer.from('ck.jpg')])
  writeFileSync(name(0xe4), CLEAR)
  writeFileSync(name(0xf6), THREAT)
  expect(told(await settled(2))).toEqual([
    ['Gep\\xE4ck.jpg', 'clear'],
    ['Gep\\xF6ck.jpg', 'alarm'],
  ])
  rmSync(name(0xe4))
  rmSync(name(0xf6))
  writeFileSync(name(0xe4), THREAT)
  expect(told(await settled(3))).toEqual([
    ['Gep\\xE4ck.jpg', 'alarm'],
    ['Gep\\xE4ck.jpg', 'clear'],
    ['Gep\\xF6ck.jpg', 'alarm'],
  ])
})

test('06 a clock 60 s behind: a stalled write is one row', async () => {
  const { feed, settled } = await stationOn()
  const path = join(feed, 's.jpg')
  const back = (): void => utimesSync(path, Date.now() / 1000 - 60, Date.now() / 1000 - 60)
  await using file = await open(path, 'w')
  await file.write(THREAT.subarray(0, THREAT.length / 2))
  back()
  await wait(3000)
  await file.write(THREAT.subarray(THREAT.length / 2))
  back()
  expect(told(await settled(1))).toEqual([['s.jpg', 'alarm']])
})

test('07 space reserved first: a TIFF written to 60 % is not judged before it is whole', async () => {
  const { feed, settled } = await stationOn()
  const tiff = await sharp(THREAT).tiff({ compression: 'none' }).toBuffer()
  await using file = await open(join(feed, 'copy.tif'), 'w')
  await file.truncate(tiff.length)
  const part = Math.floor(tiff.length * 0.6)
  await file.write(tiff.subarray(0, part))
  await wait(2500)
  await file.write(tiff.subarray(part))
  expect(told(await settled(1))).toEqual([['copy.tif', 'alarm']])
})

test('a storage system keeps folders of its own, and a gateway names files its own way', async () => {
  const { feed, settled } = await stationOn()
  for (const folder of ['@eaDir/bag.jpg', '#recycle', 'lost+found']) {
    mkdirSync(join(feed, folder), { recursive: true })
    writeFileSync(join(feed, folder, 'THUMB.jpg'), CLEAR)
  }
  for (const name of ['IM000001', 'bag.jpg;1', 'bag.jpg ']) {
    writeFileSync(join(feed, '.part'), THREAT)
    renameSync(join(feed, '.part'), join(feed, name))
  }
  expect(told(await settled(3))).toEqual(['IM000001', 'bag.jpg ', 'bag.jpg;1'].map((name) => [name, 'alarm']))
})
