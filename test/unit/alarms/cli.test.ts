// The policy commands on the shipped model and a real policy book: show, simulate, export, import, calibrate.
import { Command } from 'commander'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { calibration as calibrationSchema, policy as policySchema } from '../../../src/shared/policy'
import { firstCalibration, firstPolicy } from '../../../src/domain/first-policy'
import { register as registerCalibrate } from '../../../src/main/cli/calibrate'
import { register as registerPolicy } from '../../../src/main/cli/policy'
import { UsageError } from '../../../src/main/cli/exit'
import { chooseModel } from '../../../src/main/inference/model-files'
import { openStore } from '../../../src/main/store'
import { mapClasses } from '../../../src/shared/classes'
import { tempFolder } from '../store/make'

const model = chooseModel(import.meta.dirname)
const scores = join(model.manifestPath, '..', model.manifest.scores?.file ?? '')

afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = 0
})

/** Runs a command line; gives what it wrote to stdout. */
async function run(...words: string[]): Promise<string> {
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  const program = new Command().exitOverride()
  registerPolicy(program)
  registerCalibrate(program)
  await program.parseAsync(words, { from: 'user' })
  vi.restoreAllMocks()
  return out
}

function laneWithPolicy(): string {
  const folder = tempFolder()
  const store = openStore({ folder })
  const { version } = store.policies.saveCalibration(firstCalibration(model.manifest, 1))
  store.policies.save(firstPolicy(model.manifest, version, 2))
  store.close()
  return folder
}

test('show prints the policy in force, in words and as JSON', async () => {
  const data = laneWithPolicy()
  const words = await run('policy', 'show', '--data', data)
  expect(words).toContain('Policy 1 of')
  expect(words).toContain('a threat of any class in 1 in 1,000 bags')
  expect(policySchema.parse(JSON.parse(await run('policy', 'show', '--json', '--data', data)))).toMatchObject({
    version: 1,
    author: 'manifest',
  })
  await expect(run('policy', 'show', '7', '--data', data)).rejects.toThrow(/no policy 7/)
  await expect(run('policy', 'show', '--data', tempFolder())).rejects.toThrow(UsageError)
})

test('simulate judges as many bags as asked, at the prevalence asked, the same each time', async () => {
  const data = laneWithPolicy()
  const once = await run('policy', 'simulate', '--bags', '20000', '--prevalence', '0.01', '--json', '--data', data)
  expect(JSON.parse(once)).toMatchObject({ bags: 20_000 })
  const { threats } = JSON.parse(once) as { threats: number }
  expect(Math.abs(threats - 200)).toBeLessThan(60)
  expect(await run('policy', 'simulate', '--bags', '20000', '--prevalence', '0.01', '--json', '--data', data)).toBe(once)
  await expect(run('policy', 'simulate', '--bags', '-3', '--data', data)).rejects.toThrow(UsageError)
})

test('export and import carry a policy to another lane; for another model it is refused', async () => {
  const file = join(tempFolder(), 'policy.json')
  await run('policy', 'export', '--out', file, '--data', laneWithPolicy())
  const there = laneWithPolicy()
  const document = JSON.parse(readFileSync(file, 'utf8')) as {
    policy: { classes: { gun: { alarm: { threshold: number } } }; modelSha256: string }
  }
  document.policy.classes.gun.alarm.threshold += 1
  writeFileSync(file, JSON.stringify(document))
  const signed = ['--person', 'Sam', '--reason', 'as in the north', '--data', there]
  expect(await run('policy', 'import', file, ...signed)).toContain('Policy 2 is in force.')
  expect(JSON.parse(await run('policy', 'show', '--json', '--data', there))).toMatchObject({
    version: 2,
    author: 'Sam',
    calibration: 1,
    classes: { gun: { alarm: { threshold: document.policy.classes.gun.alarm.threshold } } },
  })
  document.policy.modelSha256 = 'f'.repeat(64)
  writeFileSync(file, JSON.stringify(document))
  await expect(run('policy', 'import', file, ...signed)).rejects.toThrow(/mean nothing there/)
  document.policy.classes.gun.alarm.threshold = -1e6
  writeFileSync(file, JSON.stringify(document))
  await expect(run('policy', 'import', file, ...signed)).rejects.toThrow(/advisory threshold may not lie above/)
})

test('calibrate fits the shipped scores, and --use puts the map under the thresholds in force', async () => {
  const data = laneWithPolicy()
  const out = join(tempFolder(), 'calibration.json')
  const words = await run(
    'calibrate',
    '--scores',
    scores,
    '--out',
    out,
    '--use',
    '--person',
    'Sam',
    '--reason',
    'fresh scores',
    '--data',
    data,
  )
  expect(words).toMatch(/gun: (Platt|isotonic)/)
  expect(words).toContain('held-out log-loss')
  expect(process.exitCode).toBe(0)
  const made = calibrationSchema.parse({ ...(JSON.parse(readFileSync(out, 'utf8')) as object), version: 2 })
  for (const c of Object.values(made.classes)) expect(c.logLoss).not.toBeNull()
  const policy = policySchema.parse(JSON.parse(await run('policy', 'show', '--json', '--data', data)))
  expect(policy).toMatchObject({ version: 2, calibration: 2, author: 'Sam', reason: 'Calibration 2: fresh scores' })
  expect(mapClasses((c) => policy.classes[c].alarm.threshold)).toEqual(mapClasses((c) => model.manifest.thresholds[c].alarm))
})

test('calibrate refuses scores that cannot bear it, with the reason and exit code 2', async () => {
  const file = join(tempFolder(), 'scores.csv')
  const [header = '', ...rows] = readFileSync(scores, 'utf8').trim().split('\n')
  writeFileSync(file, [header, ...rows.slice(0, 12)].join('\n'))
  expect(await run('calibrate', '--scores', file)).toContain('not fitted')
  expect(process.exitCode).toBe(2)
  await expect(run('calibrate')).rejects.toThrow(UsageError)
  writeFileSync(file, 'a,b\n1,2\n')
  await expect(run('calibrate', '--scores', file)).rejects.toThrow(/no column/)
})

test("a preset of the model's own is put in force, signed, with its promises, and the lane's prevalence stays", async () => {
  const data = laneWithPolicy()
  expect((await run('policy', 'preset')).split('\n')).toEqual(expect.arrayContaining(['default', 'quiet']))
  const sign = ['--person', 'Ann', '--reason', 'a quiet night', '--data', data]
  await run('policy', 'preset', 'quiet', ...sign)
  const now = policySchema.parse(JSON.parse(await run('policy', 'show', '--json', '--data', data)))
  expect(now).toMatchObject({ version: 2, author: 'Ann', reason: 'Preset "quiet": a quiet night' })
  const quiet = model.manifest.presets?.['quiet']
  for (const name of ['gun', 'scissors'] as const) {
    expect(now.classes[name].alarm.threshold).toBe(quiet?.[name].alarm)
    expect(now.classes[name].alarm.threshold).toBeGreaterThan(model.manifest.thresholds[name].alarm)
    expect(now.classes[name].alarm.promise).not.toBeNull()
  }
  await run('policy', 'preset', 'default', ...sign)
  const back = policySchema.parse(JSON.parse(await run('policy', 'show', '--json', '--data', data)))
  expect(back.classes.gun.alarm.threshold).toBe(model.manifest.thresholds.gun.alarm)
  await expect(run('policy', 'preset', 'loud', ...sign)).rejects.toThrow(/default, quiet/)
  await expect(run('policy', 'preset', 'quiet', '--data', data)).rejects.toThrow(/--person/)
})
