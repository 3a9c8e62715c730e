// Files damaged at random: the process answers each one, with finite scores or with a reason, and none of them kills it.
import fc from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startInference, type InferenceRoom } from '../../../src/main/inference/client'
import { nodeSpawn } from '../../../src/main/inference/node-spawn'
import { built } from './built'
import { bagScan, bmp, jpeg, png, raw, tiff16 } from './scans'
import { writeTinyModel } from './tiny-model'

const folder = mkdtempSync(join(tmpdir(), 'lanescope-damaged-'))
const scan = bagScan(160, 120)
let room: InferenceRoom
beforeAll(async () => {
  room = startInference({ ...writeTinyModel(folder), spawn: nodeSpawn((await built('damaged')).process) })
})
afterAll(async () => {
  await room.stop()
  rmSync(folder, { recursive: true })
})

const FILES: [string, () => Buffer | Promise<Buffer>][] = [
  ['PNG', () => png(scan)],
  ['JPEG', () => jpeg(scan)],
  ['TIFF', () => raw(scan).tiff({ compression: 'lzw' }).toBuffer()],
  ['16-bit TIFF', () => tiff16(scan)],
  ['WebP', () => raw(scan).webp().toBuffer()],
  ['BMP', () => bmp(scan)],
]
test.each(FILES)('%s', { timeout: 120_000 }, async (_format, make) => {
  const whole = await make()
  // Half of the hits go into the first bytes, where the header is.
  const at = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: whole.length - 1 }))
  const hits = fc.array(fc.tuple(at, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 })
  const length = fc.oneof(fc.constant(whole.length), fc.integer({ min: 0, max: whole.length }))
  await fc.assert(
    fc.asyncProperty(hits, length, async (changes, end) => {
      const damaged = Buffer.from(whole)
      for (const [index, value] of changes) damaged[index] = value
      const result = await room.screen(damaged.subarray(0, end))
      if (!result.ok) expect(result).toEqual({ ok: false, retry: false, reason: expect.stringMatching(/\w+.*\.$/) as string })
      else
        for (const { fused, peak } of Object.values(result.output.classes))
          expect([fused, peak.x, peak.y].every(Number.isFinite)).toBe(true)
    }),
    { numRuns: 40 },
  )
  expect(room.status()).toMatchObject({ state: 'ready', restarts: 0 })
})
