// The paper's way of pointing (5.3) beside the app's: the levels disagree, the mean follows one, the maximum the other.
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { fromOriginal, type ActivationMap } from '../../../src/domain/cam'
import { peaksOverScales } from '../../../src/main/inference/over-scales'
import { lookAt, screen } from '../../../src/main/inference/screen'
import type { Network } from '../../../src/main/inference/session'
import { mapClasses } from '../../../src/shared/classes'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bagScan } from './scans'
import { writeTinyModel } from './tiny-model'

it('points where any one level is highest, on the scan; the app where the fused map is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lanescope-scales-'))
  const { manifest } = writeTinyModel(folder)
  rmSync(folder, { recursive: true })
  const image = bagScan(400, 300)
  const bytes = await sharp(image.data, { raw: { width: 400, height: 300, channels: 3 } })
    .png()
    .toBuffer()
  const flat = (): ActivationMap => ({ width: 16, height: 16, values: new Float32Array(256) })
  const answer = (levels: ActivationMap[]): Network => ({
    provider: 'cpu',
    note: null,
    run: () => Promise.resolve({ logits: mapClasses(() => levels.map(() => 0)), cams: mapClasses(() => levels) }),
  })
  const { looks } = await lookAt(bytes, answer([flat()]), manifest)
  const placement = looks[0]?.views.gun.placement
  if (!placement) throw new Error('not looked at')
  const cell = (x: number, y: number): number => {
    const at = fromOriginal({ x, y }, placement)
    return Math.floor(at.y * 16) * 16 + Math.floor(at.x * 16)
  }
  const [left, right] = [cell(0.35, 0.5), cell(0.65, 0.5)]
  const levels = [flat(), flat()]
  for (const level of levels) level.values[left] = 3
  const [first] = levels
  if (first) first.values[right] = 5 // 2.5 in the mean
  const app = (await screen(bytes, answer(levels), manifest)).classes.gun.peak
  const paper = (await peaksOverScales(bytes, answer(levels), manifest)).gun
  // within half a cell of where each was put
  const near = (point: { x: number; y: number }, index: number): void => {
    const at = fromOriginal(point, placement)
    expect(Math.abs(at.x * 16 - ((index % 16) + 0.5))).toBeLessThan(0.6)
    expect(Math.abs(at.y * 16 - (Math.floor(index / 16) + 0.5))).toBeLessThan(0.6)
  }
  near(app, left)
  near(paper, right)
})
