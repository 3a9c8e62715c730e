// A bag's pictures by id and path: the original bytes, the heatmap sheet, a thumbnail; nothing for what is no picture or no more there.
import { expect, test, vi } from 'vitest'
import { bytesOf } from '../store/make'
import { bad, makeStation, ok, renditions } from './make'

const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1)
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 2)
const WEBP = Uint8Array.of(0x52, 0x49, 0x46, 0x46, 9, 9, 9, 9, 0x57, 0x45, 0x42, 0x50, 3)
const BMP = Uint8Array.of(0x42, 0x4d, 4)
const TIFF = Uint8Array.of(0x49, 0x49, 42, 0, 5)
const BIG_TIFF = Uint8Array.of(0x4d, 0x4d, 0, 43, 6)

async function withScans(...scans: Uint8Array[]) {
  const made = makeStation()
  made.inference.answer = () => ok({ gun: 9 })
  await made.station.start()
  for (const [i, bytes] of scans.entries()) await made.station.submit({ lane: 'n', path: `/${i}`, content: { bytes } })
  await made.station.idle()
  return made
}

test.each([
  ['JPEG', JPEG, 'image/jpeg'],
  ['PNG', PNG, 'image/png'],
  ['WebP', WEBP, 'image/webp'],
  ['BMP', BMP, 'image/bmp'],
])('a %s scan is given out byte for byte, whatever its name', async (_, bytes, type) => {
  const { station } = await withScans(bytes)
  const image = await station.images.at('/scan/1')
  expect(image?.type).toBe(type)
  expect([...(image?.bytes ?? [])]).toEqual([...bytes])
})

test('a TIFF comes as a lossless PNG, since Chromium shows none', async () => {
  const { station } = await withScans(TIFF, BIG_TIFF)
  for (const id of [1, 2]) {
    const image = await station.images.find('scan', id)
    expect([image?.type, new TextDecoder().decode(image?.bytes)]).toEqual(['image/png', 'png of 5 bytes'])
  }
})

test('what is no picture is not given out as one', async () => {
  const { station } = await withScans(bytesOf('<script>alert(1)</script>'))
  expect(await station.images.at('/scan/1')).toBeNull()
})

test.each([
  '/scan/0',
  '/scan/-1',
  '/scan/01',
  '/scan/1x',
  '/scan/1/2',
  '/scan/99',
  '/heatmap/99',
  '/thumb/99',
  '/other/1',
  '/scan/99999999999999999999',
  'scan/1',
  '',
])('nothing at %s', async (path) => {
  const { station } = await withScans(PNG)
  expect(await station.images.at(path)).toBeNull()
})

test("a flagged bag's heatmap outlives a restart; a clear bag's is there while it is recent", async () => {
  const first = await withScans(PNG)
  first.inference.answer = () => ok({ gun: -9 })
  await first.scan('clear one')
  await first.station.idle()
  expect(first.station.get(2)).toMatchObject({ verdict: 'clear', hasHeatmap: true })
  expect((await first.station.images.at('/heatmap/2'))?.type).toBe('image/png')
  await first.close()
  const second = makeStation({ folder: first.folder })
  await second.station.start()
  expect(new TextDecoder().decode((await second.station.images.at('/heatmap/1'))?.bytes)).toBe('heatmap {"gun":9}')
  expect(second.station.get(2).hasHeatmap).toBe(false)
  expect(await second.station.images.at('/heatmap/2')).toBeNull()
})

test('a thumbnail is made once, and again when the first try failed', async () => {
  const thumbnail = vi.fn((bytes: Uint8Array) => renditions.thumbnail(bytes))
  thumbnail.mockRejectedValueOnce(new Error('The inference process is restarting.'))
  const { station, scan } = makeStation({ renditions: { ...renditions, thumbnail } })
  await station.start()
  await scan('a')
  await station.idle()
  expect(await station.images.at('/thumb/1')).toBeNull()
  const images = await Promise.all([station.images.at('/thumb/1'), station.images.at('/thumb/1')])
  for (const image of images)
    expect([image?.type, new TextDecoder().decode(image?.bytes)]).toEqual(['image/webp', 'thumbnail of scan a'])
  await station.images.at('/thumb/1')
  expect(thumbnail).toHaveBeenCalledTimes(2)
})

test("an unscreenable bag's scan can still be looked at", async () => {
  const { station, inference } = makeStation()
  inference.answer = () => bad('The file ends too early.')
  await station.start()
  await station.submit({ lane: 'n', path: '/a.jpg', content: { bytes: JPEG } })
  await station.idle()
  expect(station.get(1)).toMatchObject({ verdict: 'unscreenable', hasScan: true })
  expect((await station.images.at('/scan/1'))?.type).toBe('image/jpeg')
})
