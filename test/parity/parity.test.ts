// The app against Python's goldens (training/lanescope/goldens.py): same bags, same squares, same scores, for the model that ships.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { fromOriginal, fuse, fuseMaps, peakOf, sample, toOriginal } from '../../src/domain/cam'
import { fromLogOdds } from '../../src/domain/prior-shift'
import { decode } from '../../src/main/inference/decode'
import { chooseModel, type ModelFiles } from '../../src/main/inference/model-files'
import { normalise, prepare, type Prepared } from '../../src/main/inference/preprocess'
import { screen } from '../../src/main/inference/screen'
import { openNetwork, type Network } from '../../src/main/inference/session'
import { imageStatistics, point } from '../../src/shared/bag'
import { perClass, THREAT_CLASSES } from '../../src/shared/classes'

const box = z.tuple([z.number(), z.number(), z.number(), z.number()])
const colour = z.array(z.number()).length(3)
const scores = { logits: z.array(z.number()), fused: z.number(), peak: point }
const scan = z.object({
  file: z.string(),
  original: z.tuple([z.number(), z.number()]),
  background: colour,
  bags: z.array(box).min(1),
  looks: z.array(z.object({ box, bag: z.number(), square: z.string(), classes: perClass(z.object(scores)).optional() })).min(1),
  statistics: imageStatistics,
  /** the scan's: of each class the worst bag's */
  classes: perClass(z.object({ ...scores, posterior: z.number() })).optional(),
})
type Scan = z.infer<typeof scan>
/** One bag a scan, looked at once: bag-1's goldens. */
const singleScan = scan
  .omit({ bags: true, looks: true })
  .required({ classes: true })
  .extend({ box, square: z.string() })
  .transform(({ box, square, ...rest }): Scan => ({
    ...rest,
    bags: [box],
    looks: [{ box, bag: 0, square, classes: rest.classes }],
  }))
const goldens = z.object({
  preprocessing: z.enum(['bag-1', 'bag-2']),
  size: z.number().int(),
  /** the model that gave the scores; null: none did */
  sha256: z.string().nullable(),
  scans: z.array(scan.or(singleScan)).min(4),
})

const fixtures = (name: string): string => resolve(import.meta.dirname, '../fixtures', name)
/** Where else to look, to try a model before it ships. */
const folders = [process.env['LANESCOPE_PARITY'] ?? fixtures('parity')]

let model: ModelFiles
let network: Network
beforeAll(async () => {
  model = chooseModel(import.meta.dirname)
  network = await openNetwork(model.manifest, model.modelPath)
})

for (const folder of folders) {
  const file = join(folder, 'goldens.json')
  if (existsSync(file)) describe(folder, () => compare(folder, goldens.parse(JSON.parse(readFileSync(file, 'utf8')))))
}

test('a model that ships brings goldens', () => {
  const ships = readdirSync(fixtures('../../resources/models')).some((name) => name.endsWith('.onnx'))
  expect(!ships || existsSync(join(folders[0] ?? '', 'goldens.json')), 'make them: python -m lanescope goldens').toBe(true)
})

function compare(folder: string, { preprocessing, size, sha256, scans }: z.infer<typeof goldens>): void {
  const bytesOf = (file: string): Buffer => readFileSync(join(folder, file))
  const prepared = async (file: string): Promise<Prepared> => prepare(await decode(bytesOf(file)), { size, preprocessing })

  if (sha256 !== null)
    test('the goldens belong to the model that ships', () => {
      expect(model.manifest.sha256, 'make them anew: python -m lanescope goldens').toBe(sha256)
      expect(model.manifest.input).toMatchObject({ size, preprocessing })
    })

  describe.each(scans)('$file', (golden) => {
    test('same size, ground, bags, looks and statistics', async () => {
      const { located, looks } = await prepared(golden.file)
      expect(located.background).toEqual(golden.background)
      expect(located.bags.map(inOrder)).toEqual(golden.bags)
      expect(looks.map(({ placement, bag }) => [bag, inOrder(placement.box)])).toEqual(
        golden.looks.map(({ box, bag }) => [bag, box]),
      )
      for (const { placement } of looks) expect([placement.original.width, placement.original.height]).toEqual(golden.original)
      for (const key of ['brightness', 'background', 'aspect', 'bagShare'] as const)
        expect(Math.abs(located.statistics[key] - golden.statistics[key])).toBeLessThan(1e-3)
    })

    test('the squares are the same, but for a rounding in a decoder', async () => {
      const { looks } = await prepared(golden.file)
      for (const [i, { pixels }] of looks.entries()) {
        const expected = await sharp(join(folder, golden.looks[i]?.square ?? ''))
          .raw()
          .toBuffer()
        expect(pixels.length).toBe(expected.length)
        let [sum, most] = [0, 0]
        pixels.forEach((value, at) => {
          const difference = Math.abs(value - (expected[at] ?? 0))
          sum += difference
          most = Math.max(most, difference)
        })
        // The contract allows 2; both sides round alike, so what is left would be a JPEG decoder's.
        if (golden.file.endsWith('.jpg')) expect(sum / pixels.length).toBeLessThanOrEqual(0.1)
        else expect(most).toBe(0)
      }
    })

    if (golden.looks[0]?.classes !== undefined)
      test('every look: the same fused logits, and the map as high at the same place', async () => {
        const { looks } = await prepared(golden.file)
        const { fusion, calibration, input } = model.manifest
        for (const [i, { pixels, placement }] of looks.entries()) {
          const { logits, cams } = await network.run(normalise(pixels, input))
          for (const name of THREAT_CLASSES) {
            const expected = golden.looks[i]?.classes?.[name]
            if (expected === undefined) throw new Error(`no golden for look ${i}`)
            const { a, b } = calibration.classes[name]
            const posterior = (z: number): number => fromLogOdds(a * z + b)
            expect(Math.abs(posterior(fuse(logits[name], fusion)) - posterior(expected.fused))).toBeLessThanOrEqual(0.01)
            // The same peak to within a cell; or, where the largest cell changes hands between two equals, one as high.
            const map = fuseMaps(cams[name], fusion)
            const ours = peakOf(map)
            const shown = toOriginal(ours, placement)
            const theirs = fromOriginal(expected.peak, placement)
            const cell =
              ((placement.box.x1 - placement.box.x0) / placement.size.width / placement.original.width) *
              (placement.side / map.width)
            const near = Math.hypot(shown.x - expected.peak.x, shown.y - expected.peak.y) <= 1.5 * cell
            expect(near || sample(map, ours.x, ours.y) - sample(map, theirs.x, theirs.y) < 0.15).toBe(true)
          }
        }
      })

    if (golden.classes !== undefined)
      test("the scan's posteriors within 0.01: of each class the worst bag's", async () => {
        const output = await screen(bytesOf(golden.file), network, model.manifest)
        expect(output.bags).toHaveLength(golden.bags.length)
        for (const name of THREAT_CLASSES) {
          const { a, b } = model.manifest.calibration.classes[name]
          const { fused } = output.classes[name]
          expect(Math.abs(fromLogOdds(a * fused + b) - (golden.classes?.[name].posterior ?? Number.NaN))).toBeLessThanOrEqual(
            0.01,
          )
          expect(fused).toBe(Math.max(...output.bags.map(({ classes }) => classes[name].fused)))
        }
      })
  })

  test('every golden scan and square is there', () => {
    for (const { file, looks } of scans)
      for (const name of [file, ...looks.map(({ square }) => square)]) expect(existsSync(join(folder, name)), name).toBe(true)
  })
}

const inOrder = ({ x0, y0, x1, y1 }: { x0: number; y0: number; x1: number; y1: number }): number[] => [x0, y0, x1, y1]
