// The app against Python's goldens (training/lanescope/goldens.py): same box, same square, same scores, for the model that ships.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { fromOriginal, fuseMaps, peakOf, sample, toOriginal } from '../../src/domain/cam'
import { fromLogOdds } from '../../src/domain/prior-shift'
import { decode } from '../../src/main/inference/decode'
import { chooseModel, type ModelFiles } from '../../src/main/inference/model-files'
import { normalise, prepare, type Prepared } from '../../src/main/inference/preprocess'
import { openNetwork, type Network } from '../../src/main/inference/session'
import { imageStatistics, point } from '../../src/shared/bag'
import { perClass, THREAT_CLASSES } from '../../src/shared/classes'

/** Where else to look, to try a model before it ships. */
const folder = process.env['LANESCOPE_PARITY'] ?? resolve(import.meta.dirname, '../fixtures/parity')
const schema = z.object({
  preprocessing: z.literal('bag-1'),
  size: z.number().int(),
  model: z.string(),
  sha256: z.string(),
  scans: z
    .array(
      z.object({
        file: z.string(),
        square: z.string(),
        original: z.tuple([z.number(), z.number()]),
        box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
        background: z.array(z.number()).length(3),
        statistics: imageStatistics,
        classes: perClass(z.object({ logits: z.array(z.number()), fused: z.number(), posterior: z.number(), peak: point })),
      }),
    )
    .min(4),
})
const file = join(folder, 'goldens.json')
if (existsSync(file)) compare(schema.parse(JSON.parse(readFileSync(file, 'utf8'))))
else
  test('a model that ships brings goldens', ({ skip }) => {
    skip(
      !readdirSync(resolve(import.meta.dirname, '../../resources/models')).some((name) => name.endsWith('.onnx')),
      'no model ships yet',
    )
    expect.fail('make them: python -m lanescope goldens')
  })

function compare(goldens: z.infer<typeof schema>): void {
  let model: ModelFiles
  let network: Network
  beforeAll(async () => {
    model = chooseModel(import.meta.dirname)
    network = await openNetwork(model.manifest, model.modelPath)
  })

  const prepared = async (file: string): Promise<Prepared> =>
    prepare(await decode(readFileSync(join(folder, file))), goldens.size)

  test('the goldens belong to the model that ships', () => {
    expect(model.manifest.sha256, 'make them anew: python -m lanescope goldens').toBe(goldens.sha256)
    expect(model.manifest.input.size).toBe(goldens.size)
  })

  describe.each(goldens.scans)('$file', (golden) => {
    test('same size, box, background and statistics', async () => {
      const { placement, located } = await prepared(golden.file)
      const { box, original } = placement
      expect([original.width, original.height]).toEqual(golden.original)
      expect([box.x0, box.y0, box.x1, box.y1]).toEqual(golden.box)
      expect(located.background).toEqual(golden.background)
      for (const key of ['brightness', 'background', 'aspect', 'bagShare'] as const)
        expect(Math.abs(located.statistics[key] - golden.statistics[key])).toBeLessThan(1e-3)
    })

    test('the square is the same, but for a rounding in a decoder', async () => {
      const { pixels } = await prepared(golden.file)
      const expected = await sharp(join(folder, golden.square)).raw().toBuffer()
      expect(pixels.length).toBe(expected.length)
      const difference = pixels.reduce((sum, value, i) => sum + Math.abs(value - (expected[i] ?? 0)), 0) / pixels.length
      // The contract allows 2; both sides round alike, so what is left would be a decoder's.
      expect(difference).toBeLessThanOrEqual(0.1)
    })

    test('posteriors within 0.01, and the map as high at the same place', async () => {
      const { pixels, placement } = await prepared(golden.file)
      const { logits, cams } = await network.run(normalise(pixels, model.manifest.input))
      for (const name of THREAT_CLASSES) {
        const expected = golden.classes[name]
        const fused = logits[name].reduce((a, b) => a + b, 0) / logits[name].length
        const { a, b } = model.manifest.calibration.classes[name]
        expect(Math.abs(fromLogOdds(a * fused + b) - expected.posterior)).toBeLessThanOrEqual(0.01)
        // The same peak to within a cell; or, where the largest cell changes hands between two equals, one as high.
        const map = fuseMaps(cams[name])
        const ours = peakOf(map)
        const shown = toOriginal(ours, placement)
        const theirs = fromOriginal(expected.peak, placement)
        const cell =
          ((placement.box.x1 - placement.box.x0) / placement.size.width / placement.original.width) * (placement.side / map.width)
        const near = Math.hypot(shown.x - expected.peak.x, shown.y - expected.peak.y) <= 1.5 * cell
        expect(near || sample(map, ours.x, ours.y) - sample(map, theirs.x, theirs.y) < 0.15).toBe(true)
      }
    })
  })

  test('every golden scan and square is there', () => {
    for (const { file, square } of goldens.scans)
      expect(existsSync(join(folder, file)) && existsSync(join(folder, square))).toBe(true)
  })
}
