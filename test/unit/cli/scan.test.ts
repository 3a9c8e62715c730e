// `lanescope scan` as a person runs it: the built command line in its own process, a real (tiny) model, real files.
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { posteriorAt } from '../../../src/domain/calibration'
import { firstCalibration, firstPolicy } from '../../../src/domain/first-policy'
import { scanLine, type ScanLine } from '../../../src/main/cli/scan-line'
import type { ModelManifest } from '../../../src/shared/manifest'
import { built } from '../inference/built'
import { bagScan, blank, fill, hugePng, jpeg, png } from '../inference/scans'
import { tinyOnnx, writeTinyModel } from '../inference/tiny-model'

const folder = mkdtempSync(join(tmpdir(), 'lanescope-scan-'))
const scans = join(folder, 'scans')
const models = join(folder, 'model')
let cli: string
let manifest: ModelManifest
beforeAll(async () => {
  cli = (await built('cli')).entry
  manifest = writeTinyModel(models).manifest
  mkdirSync(join(scans, 'inner'), { recursive: true })
  const bag = await jpeg(bagScan())
  writeFileSync(join(scans, 'b.jpg'), bag)
  writeFileSync(join(scans, "a bag's “name” 🧳.png"), await png(bagScan(500, 400)))
  writeFileSync(join(scans, 'inner', 'no-extension'), bag)
  writeFileSync(join(scans, 'notes.txt'), 'no scan at all')
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Run {
  code: number | null
  stdout: string
  stderr: string
}
function lanescope(args: string[], env: NodeJS.ProcessEnv = {}, as: { uid?: number } = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], { cwd: folder, env: { ...process.env, ...env }, ...as })
    const run: Run = { code: null, stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (run.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (run.stderr += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ ...run, code }))
  })
}
/** Every line of stdout, held to the schema. */
function lines({ stdout }: Run): ScanLine[] {
  expect(stdout.endsWith('\n')).toBe(true)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => scanLine.parse(JSON.parse(line)))
}
const screen = (...args: string[]): Promise<Run> => lanescope(['scan', '--model', models, ...args])

test('a folder: one JSON line a scan in a stable order, nothing else on stdout, exit code 0', async () => {
  const run = await screen('--json', scans)
  expect(run).toMatchObject({ code: 0, stderr: '' })
  const found = lines(run)
  expect(found.map(({ file }) => file)).toEqual(
    ["a bag's “name” 🧳.png", 'b.jpg', join('inner', 'no-extension')].map((n) => join(scans, n)),
  )
  for (const { sha256, reason, classes, model, policy, provider, ms } of found) {
    expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    expect([reason, model, policy]).toEqual([null, 'tiny@test', 1])
    expect(provider).toMatch(/cpu|cuda/)
    for (const { logits } of Object.values(classes)) expect(logits).toHaveLength(3)
    expect(ms.total).toBeGreaterThan(0)
  }
  expect(found[1]?.sha256).toBe(found[2]?.sha256)
  expect(found[1]?.classes).toEqual(found[2]?.classes)
})

test("scores are posteriors at the first policy's prevalence, tiers follow its thresholds, the verdict the worst tier", async () => {
  const [line] = lines(await screen('--json', join(scans, 'b.jpg')))
  if (!line) throw new Error('no line')
  const calibration = firstCalibration(manifest)
  const policy = firstPolicy(manifest, 1)
  const tiers = new Set<string | null>()
  for (const name of ['gun', 'knife', 'wrench', 'pliers', 'scissors'] as const) {
    const { logits, score, tier } = line.classes[name]
    const fused = logits.reduce((a, b) => a + b, 0) / 3
    expect(score).toBeCloseTo(posteriorAt(calibration.classes[name], fused, policy.prevalence[name]), 6)
    expect(tier).toBe(fused >= 1 ? 'alarm' : fused >= 0 ? 'advisory' : 'none')
    tiers.add(tier)
  }
  expect(line.verdict).toBe(tiers.has('alarm') ? 'alarm' : tiers.has('advisory') ? 'advisory' : 'clear')
})

test('every bad input is a line with its reason and no score; the rest goes on; exit code 2', async () => {
  const bad = join(folder, 'bad')
  mkdirSync(bad)
  const bag = await jpeg(bagScan())
  writeFileSync(join(bad, '1 empty.jpg'), '')
  writeFileSync(join(bad, '2 text.jpg'), 'no picture, but words enough to be one')
  writeFileSync(join(bad, '3 cut.jpg'), bag.subarray(0, 3000))
  writeFileSync(join(bad, '4 huge.png'), hugePng(30_000))
  writeFileSync(join(bad, '5 tiny.png'), await png(bagScan(8, 8)))
  writeFileSync(join(bad, '6 grey.jpg'), await sharp(bag).greyscale().jpeg().toBuffer())
  symlinkSync(join(bad, 'nowhere'), join(bad, '7 dangling.jpg'))
  writeFileSync(join(bad, '8 good.jpg'), bag)
  const run = await screen('--json', bad, join(folder, 'no such file.jpg'))
  expect(run.code).toBe(2)
  const found = lines(run)
  expect(found.map(({ verdict }) => verdict === 'unscreenable')).toEqual([true, true, true, true, true, true, true, false, true])
  const why = [
    /empty/,
    /no image/,
    /damaged or cut off/,
    /too large/,
    /too small/,
    /grayscale/,
    /it is not there/,
    null,
    /it is not there/,
  ]
  found.forEach((line, i) => {
    const expected = why[i]
    if (expected) expect(line.reason).toMatch(expected)
    else expect(line.reason).toBeNull()
    if (!expected) return
    for (const { logits, score, tier, peak } of Object.values(line.classes))
      expect([logits, score, tier, peak]).toEqual([[], null, null, null])
    expect(line.provider).toBeNull()
  })
})

test('a folder and a file without permission are lines, not crashes', async ({ skip }) => {
  // Root may read everything: then the command runs as nobody, where nobody may read this checkout.
  const as = process.getuid?.() === 0 ? { uid: 65534 } : {}
  const reads = spawnSync(process.execPath, ['-e', `fs.accessSync(${JSON.stringify(cli)})`], as)
  skip(reads.status !== 0, 'runs as root, in a folder that nobody else may read')
  const locked = join(folder, 'locked')
  mkdirSync(join(locked, 'in'), { recursive: true })
  writeFileSync(join(locked, 'a.jpg'), 'x')
  chmodSync(join(locked, 'a.jpg'), 0)
  chmodSync(join(locked, 'in'), 0)
  chmodSync(folder, 0o755)
  const run = await lanescope(['scan', '--json', '--model', models, locked], {}, as)
  chmodSync(join(locked, 'in'), 0o700)
  expect(run.code).toBe(2)
  const found = lines(run)
  expect(found.map(({ file }) => file)).toEqual([join(locked, 'a.jpg'), join(locked, 'in')])
  for (const { reason } of found) expect(reason).toMatch(/no permission to read it/)
})

test('links to a folder above are not followed for ever', async () => {
  const loop = join(folder, 'loop')
  mkdirSync(loop)
  writeFileSync(join(loop, 'a.jpg'), await jpeg(bagScan()))
  symlinkSync(loop, join(loop, 'self'))
  const run = await screen('--json', loop)
  expect(run.code).toBe(0)
  expect(lines(run)).toHaveLength(1)
})

test('--heatmaps writes a PNG a flagged class, --every-class one for each, at the size of the scan', async () => {
  const heatmaps = join(folder, 'heat', 'maps')
  const run = await screen('--json', '--heatmaps', heatmaps, join(scans, 'b.jpg'))
  const [line] = lines(run)
  const flagged = Object.entries(line?.classes ?? {}).flatMap(([name, { tier }]) => (tier === 'none' ? [] : [name]))
  const sha = line?.sha256?.slice(0, 8) ?? ''
  expect(flagged.length).toBeGreaterThan(0)
  expect(readdirSync(heatmaps).sort()).toEqual(flagged.map((name) => `b.${sha}.${name}.png`).sort())
  const all = join(folder, 'all')
  await screen('--json', '--heatmaps', all, '--every-class', join(scans, 'b.jpg'))
  const names = readdirSync(all)
  expect(names).toHaveLength(5)
  for (const name of names)
    expect(await sharp(join(all, name)).metadata()).toMatchObject({ format: 'png', width: 400, height: 300 })
})

test('without --json it speaks to people', async () => {
  const run = await screen(scans, join(scans, 'notes.txt'))
  expect(run.code).toBe(2)
  expect(run.stdout).toMatch(/UNSCREENABLE {2}.*notes\.txt {2}The file is no image/)
  expect(run.stdout).toMatch(/4 scans: \d alarm, \d advisory, \d clear, 1 unscreenable; 1 other files passed over/)
})

test('a broken model makes every scan unscreenable, never clear', async () => {
  const broken = join(folder, 'broken')
  writeTinyModel(broken, tinyOnnx(), { sha256: '0'.repeat(64) })
  const run = await lanescope(['scan', '--json', '--model', broken, scans])
  expect(run.code).toBe(2)
  for (const { verdict, reason } of lines(run)) {
    expect(verdict).toBe('unscreenable')
    expect(reason).toMatch(/not the one its manifest names/)
  }
})

test('a network that gives no number makes that scan unscreenable', async () => {
  const poisoned = join(folder, 'poisoned')
  writeTinyModel(poisoned, tinyOnnx({ nan: true }))
  const dark = blank(300, 300)
  fill(dark, 20, 20, 280, 280, [40, 60, 10])
  fill(dark, 30, 30, 100, 100, [10, 60, 90])
  writeFileSync(join(folder, 'dark.png'), await png(dark))
  const run = await lanescope(['scan', '--json', '--model', poisoned, join(folder, 'dark.png')])
  expect(run.code).toBe(2)
  expect(lines(run)[0]).toMatchObject({ verdict: 'unscreenable', reason: expect.stringMatching(/not a finite number/) as string })
})

test('the model can be named by LANESCOPE_MODELS', async () => {
  const run = await lanescope(['scan', '--json', join(scans, 'b.jpg')], { LANESCOPE_MODELS: models })
  expect(lines(run)[0]?.model).toBe('tiny@test')
})

test.each([
  ['no path', ['scan'], /missing required argument/],
  ['an unknown command', ['scna', '.'], /unknown command/],
  ['an unknown option', ['scan', '--jsno', '.'], /unknown option/],
  ['nothing at all', [], /Usage/],
  ['a model folder without a model', ['scan', '--model', '/nonexistent', '.'], /no model/],
  ['--every-class alone', ['scan', '--every-class', '.'], /belongs to --heatmaps/],
  ['a heatmap folder that is a file', ['scan', '--heatmaps', '/dev/null/x', '.'], /can't be made/],
  ['a wrong start', ['start', '--rate', '5'], /--rate belongs to --replay/],
])('wrong use is 64: %s', async (_what, args, says) => {
  const run = await lanescope(args)
  expect(run.code).toBe(64)
  expect(run.stdout).toBe('')
  expect(run.stderr).toMatch(says)
})

test('--help explains every command, and each command itself', async () => {
  const help = await lanescope(['--help'])
  expect(help.code).toBe(0)
  for (const word of [
    'start',
    'serve',
    'scan',
    'policy',
    'calibrate',
    'evaluate',
    '--feed',
    '--replay',
    '--rate',
    '--data',
    '--port',
    '--headless',
  ])
    expect(help.stdout).toContain(word)
  for (const [command, word] of [
    ['start', '--feed'],
    ['serve', '--port'],
    ['scan', '--heatmaps'],
  ] as const)
    expect((await lanescope([command, '--help'])).stdout).toContain(word)
})

test('a reader that has seen enough ends it quietly', async () => {
  const child = spawn(process.execPath, [cli, 'scan', '--json', '--model', models, scans, scans, scans], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stdout.once('data', () => child.stdout.destroy())
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect(code).toBe(141)
  expect(said).toBe('')
})
