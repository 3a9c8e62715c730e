// The ONNX session on real models: what is accepted, what is refused and why, and that no number that isn't one gets out.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { mapClasses } from '../../../src/shared/classes'
import { decode } from '../../../src/main/inference/decode'
import { heatmapOf, screen } from '../../../src/main/inference/screen'
import { openNetwork } from '../../../src/main/inference/session'
import { bagScan, blank, fill, png, type Drawing } from './scans'
import { BIAS, tinyOnnx, writeTinyModel } from './tiny-model'

const folder = mkdtempSync(join(tmpdir(), 'lanescope-session-'))
afterAll(() => rmSync(folder, { recursive: true }))
/** a heatmap whatever the scores */
const ALWAYS = mapClasses(() => Number.NEGATIVE_INFINITY)
let n = 0
const tiny = (...rest: Parameters<typeof tinyOnnx>) => writeTinyModel(join(folder, String(n++)), tinyOnnx(...rest))

test('opens a model, says which provider runs and why not a better one', async () => {
  const { manifest, modelPath } = tiny()
  const network = await openNetwork(manifest, modelPath)
  expect(['cpu', 'cuda']).toContain(network.provider)
  if (network.provider === 'cpu') expect(network.note).toMatch(/cuda/)
})

test('on the CPU alone where the graphics card was set aside, and says why', async () => {
  const { manifest, modelPath } = tiny()
  const network = await openNetwork(manifest, modelPath, { webgpu: true, cpuOnly: 'set aside' })
  expect([network.provider, network.note]).toEqual(['cpu', 'set aside'])
})

test('scores a scan: logits by level, peak where the class is, statistics, sheet of five tiles', async () => {
  const { manifest, modelPath } = tiny()
  const network = await openNetwork(manifest, modelPath)
  // The bag is orange; one corner of it is dark blue-free: "wrench" (blue missing) peaks where there is no blue.
  const scan = blank(400, 300)
  fill(scan, 100, 75, 300, 225, [250, 200, 230])
  fill(scan, 220, 90, 280, 150, [250, 200, 0])
  const output = await screen(await png(scan), network, manifest, ALWAYS)
  expect([output.width, output.height]).toEqual([400, 300])
  const { wrench, gun } = output.classes
  expect(wrench.logits).toHaveLength(3)
  expect(wrench.logits[0]).toBeCloseTo(4 + BIAS, 1)
  expect(wrench.fused).toBeCloseTo(wrench.logits.reduce((a, b) => a + b, 0) / 3, 5)
  expect(gun.fused).toBeLessThan(BIAS + 0.5)
  expect(wrench.peak.x * 400).toBeGreaterThan(215)
  expect(wrench.peak.x * 400).toBeLessThan(285)
  expect(wrench.peak.y * 300).toBeGreaterThan(85)
  expect(wrench.peak.y * 300).toBeLessThan(155)
  const sheet = await decodeGrey(output.heatmap ?? new Uint8Array())
  expect([sheet.width, sheet.height, sheet.channels]).toEqual([256, 5 * 192, 1])
  expect(output.statistics.bagShare).toBeCloseTo(0.25, 1)
  expect(output.ms.total).toBeGreaterThanOrEqual(output.ms.decode + output.ms.infer)
})

/** Two bags on a grey belt: a red one (little green and blue), and a blue one. */
function frame(): Drawing {
  const scan = blank(600, 300, [195, 197, 194])
  fill(scan, 60, 60, 260, 240, [180, 60, 60])
  fill(scan, 90, 90, 150, 150, [190, 100, 90])
  fill(scan, 380, 80, 540, 220, [60, 70, 180])
  return scan
}

test('a frame of two bags: each is scored by itself, each class comes from the worse one, the heat lies on both', async () => {
  const { manifest, modelPath } = tiny()
  const network = await openNetwork(manifest, modelPath)
  const bytes = await png(frame())
  const output = await screen(bytes, network, manifest, ALWAYS)
  expect(output.bags.map(({ box }) => box.x < 0.5)).toEqual([true, false])
  for (const { box } of output.bags) {
    expect(box.width).toBeLessThan(0.4)
    expect(box.y).toBeGreaterThan(0.15)
  }
  const [red, blue] = output.bags.map(({ classes }) => classes)
  // "gun" sees missing red, "wrench" missing blue
  expect(blue?.gun.fused ?? 0).toBeGreaterThan((red?.gun.fused ?? 0) + 1)
  expect(red?.wrench.fused ?? 0).toBeGreaterThan((blue?.wrench.fused ?? 0) + 1)
  expect(output.classes.gun).toEqual(blue?.gun)
  expect(output.classes.wrench).toEqual(red?.wrench)
  expect(output.classes.gun.peak.x).toBeGreaterThan(0.6)
  expect(output.classes.wrench.peak.x).toBeLessThan(0.45)
  const { width, data } = await decodeGrey(output.heatmap ?? new Uint8Array())
  const gunAt = (x: number): number => data[64 * width + Math.round(x * width)] ?? -1
  expect([gunAt(0.5), gunAt(0.02)]).toEqual([0, 0])
  expect(gunAt(0.75)).toBeGreaterThan(gunAt(0.3))
  expect(gunAt(0.3)).toBeGreaterThan(0)
  // the same sheet when it is asked for later
  expect(Buffer.from(await heatmapOf(bytes, network, manifest)).equals(Buffer.from(output.heatmap ?? []))).toBe(true)
})

test('the heatmap is made where a class reaches the mark, and else not', async () => {
  const { manifest, modelPath } = tiny()
  const network = await openNetwork(manifest, modelPath)
  const bytes = await png(bagScan())
  const { classes, heatmap } = await screen(bytes, network, manifest)
  expect(heatmap).toBeNull()
  const mark = (gun: number) => ({ ...mapClasses(() => Number.POSITIVE_INFINITY), gun })
  expect((await screen(bytes, network, manifest, mark(classes.gun.fused + 1e-6))).heatmap).toBeNull()
  expect((await screen(bytes, network, manifest, mark(classes.gun.fused))).heatmap).not.toBeNull()
})

test('a model of before goes on with bag-1: one box round all', async () => {
  const { manifest, modelPath } = tiny()
  const network = await openNetwork(manifest, modelPath)
  const old = { ...manifest, input: { ...manifest.input, preprocessing: 'bag-1' as const } }
  const scan = blank(600, 300, [250, 250, 250])
  fill(scan, 60, 60, 260, 240, [180, 60, 60])
  fill(scan, 380, 80, 540, 220, [60, 70, 180])
  expect((await screen(await png(scan), network, old)).bags).toHaveLength(1)
  expect((await screen(await png(scan), network, manifest)).bags).toHaveLength(2)
})

test('a logit that is not a number is an error, never a score', async () => {
  const { manifest, modelPath } = tiny({ nan: true })
  const network = await openNetwork(manifest, modelPath)
  const dark = blank(300, 300)
  fill(dark, 20, 20, 280, 280, [40, 60, 10])
  fill(dark, 30, 30, 100, 100, [10, 60, 90])
  await expect(screen(await png(dark), network, manifest)).rejects.toThrow(/not a finite number/)
  await expect(screen(await png(bagScan()), network, manifest)).resolves.toHaveProperty('provider')
})

test.each([
  ['a file that is not the one its manifest names', { sha256: 'a'.repeat(64) }, /not the one its manifest names/],
  ['another number of levels than CAM outputs', { levels: 2 }, /different number of CAM outputs/],
  [
    'an input of another size',
    { input: { name: 'scan', size: 96, mean: [0, 0, 0], std: [1, 1, 1], preprocessing: 'bag-2' } },
    /no float32 tensor "scan"/,
  ],
  [
    'an output that does not exist',
    { outputs: { logits: 'scores', cams: ['cam_1', 'cam_2', 'cam_3'] } },
    /no float32 tensor "scores"/,
  ],
  ['classes in another order', { classes: ['knife', 'gun', 'wrench', 'pliers', 'scissors'] }, /classes are not gun, knife/],
] as const)('refuses %s', async (_what, change, why) => {
  const { manifest, modelPath } = writeTinyModel(join(folder, String(n++)), tinyOnnx(), change as object)
  await expect(openNetwork(manifest, modelPath)).rejects.toThrow(why)
})

test('refuses a missing model file, and one that is no ONNX, in plain words', async () => {
  const { manifest, modelPath } = tiny()
  await expect(openNetwork(manifest, join(folder, 'none.onnx'))).rejects.toThrow(/can't be read/)
  const text = Buffer.from('this is no model')
  const bad = writeTinyModel(join(folder, String(n++)), text)
  await expect(openNetwork(bad.manifest, bad.modelPath)).rejects.toThrow(/can't be used/)
  writeFileSync(modelPath, text)
  await expect(openNetwork(manifest, modelPath)).rejects.toThrow(/not the one/)
})

async function decodeGrey(bytes: Uint8Array): Promise<{ width: number; height: number; channels: number; data: Uint8Array }> {
  await expect(decode(bytes)).rejects.toThrow(/grayscale/)
  const { default: sharp } = await import('sharp')
  const { width, height, channels } = await sharp(bytes).metadata()
  return { width, height, channels, data: await sharp(bytes).toColourspace('b-w').raw().toBuffer() }
}
