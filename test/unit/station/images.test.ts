// A bag's pictures by id and path: the original bytes, the heatmap sheet, a thumbnail; nothing for what is no picture or no more there.
import { expect, test, vi } from 'vitest'
import { bytesOf } from '../store/make'
import { bad, FakeInference, makeStation, ok, renditions } from './make'

const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1)
/** Signature and header (8-bit RGB) of a PNG, then the end, with other chunks between. */
const pngOf = (colour: number, ...chunks: string[]): Uint8Array =>
  Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, colour, 0, 0, 0])),
    ...chunks.map((type) => chunk(type)),
    chunk('IEND'),
  ])
const chunk = (type: string, data = Buffer.alloc(0)): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, data.length]), Buffer.from(type), data, Buffer.alloc(4)])
const PNG = pngOf(2, 'tEXt', 'IDAT')
/** A JPEG's beginning with one segment of this marker. */
const jpegWith = (marker: number, data: string | Buffer): Uint8Array => {
  const bytes = Buffer.from(data)
  return Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, marker, 0, bytes.length + 2), bytes, Buffer.of(0xff, 0xd9)])
}
/** EXIF with one tag: the orientation. */
const exif = (orientation: number): Buffer =>
  Buffer.concat([
    Buffer.from('Exif\0\0II*\0'),
    Buffer.of(8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0),
  ])
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
  ['a plain JPEG', JPEG, 'image/jpeg'],
  ['a JPEG whose EXIF says upright', jpegWith(0xe1, exif(1)), 'image/jpeg'],
  ['a plain PNG', PNG, 'image/png'],
])('%s is given out byte for byte, whatever its name', async (_, bytes, type) => {
  const { station } = await withScans(bytes)
  const image = await station.images.at('/scan/1')
  expect(image?.type).toBe(type)
  expect([...(image?.bytes ?? [])]).toEqual([...bytes])
})

test.each([
  ['WebP', WEBP],
  ['BMP', BMP],
  ['TIFF', TIFF],
  ['BigTIFF', BIG_TIFF],
  ['a JPEG that EXIF turns', jpegWith(0xe1, exif(6))],
  ['a JPEG with a colour profile', jpegWith(0xe2, 'ICC_PROFILE\0')],
  ['a PNG with transparency', pngOf(6, 'IDAT')],
  ['a PNG with a transparent colour', pngOf(2, 'tRNS', 'IDAT')],
  ['a PNG with a colour profile', pngOf(2, 'iCCP', 'IDAT')],
  ['a PNG with a gamma', pngOf(2, 'gAMA', 'IDAT')],
  ['a PNG that EXIF turns', pngOf(2, 'eXIf', 'IDAT')],
])("%s comes in the station's own rendition: a browser would show another picture than was screened", async (_, bytes) => {
  const { station } = await withScans(bytes)
  const image = await station.images.find('scan', 1)
  expect([image?.type, new TextDecoder().decode(image?.bytes)]).toEqual(['image/png', `png of ${bytes.length} bytes`])
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

test("a flagged bag's heatmap outlives a restart; a clear bag's is made when it is asked for", async () => {
  const first = await withScans(PNG)
  first.inference.answer = () => ok({ gun: -9 })
  await first.scan('clear one')
  await first.station.idle()
  expect(first.station.get(2)).toMatchObject({ verdict: 'clear', hasHeatmap: true })
  await first.close()
  const heatmap = vi.fn((bytes: Uint8Array) => renditions.heatmap(bytes))
  const second = makeStation({ folder: first.folder, renditions: { ...renditions, heatmap } })
  await second.station.start()
  expect(new TextDecoder().decode((await second.station.images.at('/heatmap/1'))?.bytes)).toBe('heatmap {"gun":9}')
  expect(heatmap).not.toHaveBeenCalled()
  expect(second.station.get(2).hasHeatmap).toBe(true)
  const asked = await Promise.all([second.station.images.at('/heatmap/2'), second.station.images.at('/heatmap/2')])
  for (const image of asked)
    expect([image?.type, new TextDecoder().decode(image?.bytes)]).toEqual(['image/png', 'heat of scan clear one'])
  await second.station.images.at('/heatmap/2')
  expect(heatmap).toHaveBeenCalledTimes(1)
})

test('no heat is made of what another network judged, could not be screened, or whose scan is gone', async () => {
  const first = makeStation({ keepClear: 0 })
  await first.station.start()
  first.inference.answer = (text) => (text.includes('bad') ? bad('cut off') : ok())
  await first.scan('bad')
  await first.scan('clear')
  await first.station.idle()
  expect(await first.station.images.at('/heatmap/1')).toBeNull()
  expect(first.station.get(1).hasHeatmap).toBe(false)
  expect(first.station.get(2).hasHeatmap).toBe(true)
  await first.close()
  const other = makeStation({ folder: first.folder, fake: new FakeInference({ version: '2', sha256: 'b'.repeat(64) }) })
  await other.station.start()
  expect(other.station.get(2)).toMatchObject({ verdict: 'clear', hasHeatmap: false })
  expect(await other.station.images.at('/heatmap/2')).toBeNull()
  await other.close()
  // a start lets old clear scans go
  const later = makeStation({ folder: first.folder, keepClear: 0 })
  await later.station.start()
  await vi.waitFor(() => expect(later.station.get(2).hasScan).toBe(false))
  expect(later.station.get(2).hasHeatmap).toBe(false)
  expect(await later.station.images.at('/heatmap/2')).toBeNull()
})

test('a heat that could not be made is tried again', async () => {
  const heatmap = vi.fn((bytes: Uint8Array) => renditions.heatmap(bytes))
  heatmap.mockRejectedValueOnce(new Error('The inference process is restarting.'))
  const { station, scan } = makeStation({ renditions: { ...renditions, heatmap } })
  await station.start()
  await scan('a')
  await station.idle()
  expect(await station.images.at('/heatmap/1')).toBeNull()
  expect(await station.images.at('/heatmap/1')).not.toBeNull()
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

test('a thumbnail that came with the verdict is served as it is, and none is made', async () => {
  const thumbnail = vi.fn((bytes: Uint8Array) => renditions.thumbnail(bytes))
  const made = makeStation({ renditions: { ...renditions, thumbnail } })
  made.inference.answer = () => {
    const answer = ok({ gun: 9 })
    return answer.ok ? { ...answer, output: { ...answer.output, thumbnail: bytesOf('made with the verdict') } } : answer
  }
  await made.station.start()
  await made.station.submit({ lane: 'n', path: '/1', content: { bytes: JPEG } })
  await made.station.idle()
  const image = await made.station.images.at('/thumb/1')
  expect([image?.type, new TextDecoder().decode(image?.bytes)]).toEqual(['image/webp', 'made with the verdict'])
  expect(thumbnail).not.toHaveBeenCalled()
})
