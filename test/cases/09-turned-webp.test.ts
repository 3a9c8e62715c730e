// Case 09: a WebP that EXIF turns. Right: the screen shows the very pixels that were screened, upright; no browser's own reading of the file.
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { shownAsItIs } from '../../src/domain/scan/shown'
import { decode } from '../../src/main/inference/decode'
import { lossless } from '../../src/main/inference/pictures'
import { THREAT } from './station'

test.each([3, 6, 8])('09 a WebP with EXIF orientation %d is shown as it was screened', async (orientation) => {
  const turn = { 3: 180, 6: 270, 8: 90 }[orientation]
  const stored = await sharp(THREAT).rotate(turn).withMetadata({ orientation }).webp({ lossless: true }).toBuffer()
  const upright = await sharp(THREAT).raw().toBuffer({ resolveWithObject: true })
  expect(shownAsItIs(stored)).toBeNull()
  const screened = await decode(stored)
  expect([screened.width, screened.height]).toEqual([upright.info.width, upright.info.height])
  expect(Buffer.from(screened.data).equals(upright.data)).toBe(true)
  const shown = await sharp(await lossless(stored))
    .raw()
    .toBuffer({ resolveWithObject: true })
  expect([shown.info.width, shown.info.height]).toEqual([screened.width, screened.height])
  expect(shown.data.equals(Buffer.from(screened.data))).toBe(true)
})
