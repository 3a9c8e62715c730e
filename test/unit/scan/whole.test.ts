// Whether a file is whole by its own format: the whole one is, and no beginning of it.
import { describe, expect, it } from 'vitest'
import { wholeness } from '../../../src/domain/scan/whole'
import { bagScan, bmp, raw } from '../inference/scans'

const bag = bagScan(120, 90)
const FILES: [string, () => Promise<Buffer>][] = [
  ['JPEG', () => raw(bag).jpeg().toBuffer()],
  ['progressive JPEG', () => raw(bag).jpeg({ progressive: true }).toBuffer()],
  ['PNG', () => raw(bag).png().toBuffer()],
  ['WebP', () => raw(bag).webp().toBuffer()],
  ['TIFF', () => raw(bag).tiff({ compression: 'none' }).toBuffer()],
  ['tiled TIFF', () => raw(bag).tiff({ compression: 'lzw', tile: true, tileWidth: 64, tileHeight: 64 }).toBuffer()],
  ['BigTIFF', () => raw(bag).tiff({ compression: 'deflate', bigtiff: true }).toBuffer()],
  ['BMP', () => Promise.resolve(bmp(bag))],
]
describe.each(FILES)('%s', (_, make) => {
  it('the whole file is closed; no beginning of it lacks nothing', async () => {
    const file = await make()
    expect(wholeness(file)).toEqual({ lacks: null, closed: true })
    const step = Math.max(1, Math.floor(file.length / 400))
    for (let length = 0; length < file.length - 4; length += step)
      expect(wholeness(file.subarray(0, length)).lacks, `${length} of ${file.length}`).not.toBeNull()
  })
  it('a file that goes on after its end is not closed', async () => {
    expect(wholeness(Buffer.concat([await make(), Buffer.from('more')]))).toEqual({ lacks: null, closed: false })
  })
  it('never throws on any byte changed', async () => {
    const file = await make()
    for (let i = 0; i < 600; i += 1) {
      const changed = Buffer.from(file)
      changed[(i * 7919) % Math.min(file.length, 1500)] = (i * 151) % 256
      expect(typeof wholeness(changed).closed).toBe('boolean')
    }
  })
})
it('a beginning of zeros is space that nobody has filled yet', () =>
  expect(wholeness(new Uint8Array(500)).lacks).toMatch(/begins with zeros/))
it('does not judge what it does not know', () =>
  expect(wholeness(Buffer.from('a text, renamed'))).toEqual({ lacks: null, closed: false }))
