// `lanescope policy`: show, explain, simulate, export, import: alarm policy from the command line, beside a running station too.
import type { Command } from 'commander'
import { readFileSync, writeFileSync } from 'node:fs'
import * as z from 'zod'
import { calibratedLogOdds, posteriorAt } from '../../domain/calibration'
import { modelName } from '../../domain/first-policy'
import { judge } from '../../domain/policy'
import { fromLogOdds } from '../../domain/prior-shift'
import { upperBound } from '../../domain/rates'
import { parseScores, sampleOf } from '../../domain/scores'
import { simulate as simulateBags } from '../../domain/simulate'
import { anyPrevalence } from '../../domain/thresholds'
import { posteriorInWords } from '../../domain/words'
import { mapClasses, THREAT_CLASSES } from '../../shared/classes'
import {
  calibration as calibrationSchema,
  policy as policySchema,
  type Policy,
  type SetBy,
  type ThresholdPromise,
} from '../../shared/policy'
import { judging, modelOf, sampleOfModel, wholeNumber, withBook, type BookOptions } from './book'
import { UsageError } from './exit'
import { commandInference } from './inference'
import { readScan } from './scan-files'

const DATA: [string, string] = ['--data <dir>', "the lane's data folder (default: where the station keeps it)"]
const MODEL: [string, string] = [
  '--model <dir>',
  'folder of the model, or its manifest (default: resources/models, or LANESCOPE_MODELS)',
]

export function register(program: Command): void {
  const policy = program
    .command('policy')
    .summary('show, explain, simulate, export and import alarm policies')
    .description('Alarm policies: what they say, promise and would do.')
  policy
    .command('show')
    .description('Prints the policy in force (or a version): thresholds, what each promises, and why they were set.')
    .argument('[version]', 'a version instead of the one in force', wholeNumber)
    .option('--json', 'the whole policy as JSON')
    .option(...DATA)
    .option(...MODEL)
    .action(show)
  policy
    .command('explain')
    .description('Screens a scan and says, class by class, how its logits become a posterior and a tier.')
    .argument('<scan>', 'a scan file')
    .option('--policy <version>', 'under this version', wholeNumber)
    .option(...DATA)
    .option(...MODEL)
    .action(explain)
  policy
    .command('simulate')
    .description(
      "Draws bags from the model's held-out scores and judges them by the policy: false alarms, finds, misses, calibration.",
    )
    .option('--bags <n>', 'bags to draw', wholeNumber, 1_000_000)
    .option('--prevalence <share>', 'share of bags with any threat', share, 0.001)
    .option('--seed <n>', 'another draw', wholeNumber, 1)
    .option('--scores <csv>', 'draw from these scores instead')
    .option('--policy <version>', 'under this version', wholeNumber)
    .option('--json', 'one JSON object')
    .option(...DATA)
    .option(...MODEL)
    .action(simulate)
  policy
    .command('export')
    .description('Writes a policy and its calibration as one JSON document, to stdout or a file.')
    .argument('[version]', 'a version instead of the one in force', wholeNumber)
    .option('--out <file>', 'file instead of stdout')
    .option(...DATA)
    .option(...MODEL)
    .action(exportPolicy)
  policy
    .command('import')
    .description(
      'Saves an exported policy as a new version in force. Refused for another model: its thresholds would mean nothing.',
    )
    .argument('<file>', 'a document of `policy export`')
    .requiredOption('--person <name>', 'who does this')
    .requiredOption('--reason <words>', 'why')
    .option(...DATA)
    .option(...MODEL)
    .action(importPolicy)
}

function share(value: string): number {
  const n = Number(value)
  if (!(n >= 0 && n < 1)) throw new UsageError(`${value} is not a share of bags (0 to 1).`)
  return n
}
const say = (line = ''): void => void process.stdout.write(`${line}\n`)
const rate = (r: number): string => `${Number((1000 * r).toPrecision(2))}`
const percent = (r: number | null): string => (r === null ? 'unknown' : `${(100 * r).toFixed(r < 0.1 ? 1 : 0)} %`)
const oneIn = (r: number): string => `1 in ${Number((1 / r).toPrecision(2)).toLocaleString('en-US')}`

function setWords(by: SetBy): string {
  switch (by.kind) {
    case 'manifest':
      return 'came with the model'
    case 'hand':
      return 'by hand'
    case 'budget-per-1000':
      return `≤ ${by.value} per 1,000${by.scope === 'bag' ? ', shared' : ''}`
    case 'budget-per-hour':
      return `≤ ${by.value} an hour${by.scope === 'bag' ? ', shared' : ''}`
    case 'recall':
      return `recall ≥ ${percent(by.value)}`
    case 'cost-ratio':
      return `a miss costs ${by.value} false alarms`
    case 'lane-quantile':
      return `lane's scores, ≤ ${by.value} per 1,000`
  }
}

function promiseWords(p: ThresholdPromise | null): string {
  if (p === null || p.benign === 0) return 'promises nothing: no held-out scores'
  const found =
    p.recall === null
      ? 'finds an unknown share'
      : `finds ${percent(p.recall)} (${p.recallInterval?.map((v) => percent(v)).join(' – ') ?? ''}, n = ${p.positives})`
  const right = p.ppv === null ? '' : `; an alarm is right at least ${posteriorInWords(p.ppv)}`
  const more = p.moreBenignNeeded
    ? `; ${p.moreBenignNeeded.toLocaleString('en-US')} more benign bags needed to promise the budget`
    : ''
  return `${rate(p.falseAlarmRate)} false per 1,000 (95 % bound ${rate(p.falseAlarmUpper95)}, n = ${p.benign}); ${found}${right}${more}`
}

function printPolicy(policy: Policy): void {
  say(`Policy ${policy.version} of ${new Date(policy.createdAt).toISOString()}, by ${policy.author}: ${policy.reason}`)
  say(
    `Model ${policy.model}; calibration ${policy.calibration}; ${policy.bagsPerHour} bags an hour; a threat of any class in ${oneIn(anyPrevalence(policy.prevalence))} bags.`,
  )
  for (const c of THREAT_CLASSES) {
    say(`\n${c} (${oneIn(policy.prevalence[c])} bags)`)
    for (const tier of ['alarm', 'advisory'] as const) {
      const { threshold, setBy, promise } = policy.classes[c][tier]
      say(`  ${tier.padEnd(8)} ≥ ${threshold.toFixed(3).padStart(7)}  ${setWords(setBy)}`)
      say(`           ${promiseWords(promise)}`)
    }
  }
  say(`\nany alarm  ${promiseWords(policy.anyAlarm)}`)
}

async function show(version: number | undefined, options: BookOptions & { json?: boolean }): Promise<void> {
  const model = modelOf(options.model)
  const { policy, from } = await judging(options, model, await sampleOfModel(model), version)
  if (options.json) say(JSON.stringify(policy, null, 2))
  else {
    say(`From ${from}.`)
    printPolicy(policy)
  }
}

async function explain(scan: string, options: BookOptions & { policy?: number }): Promise<void> {
  const model = modelOf(options.model)
  const read = await readScan(scan)
  if ('unreadable' in read) throw new UsageError(`${scan}: ${read.unreadable}`)
  const { policy, calibration, from } = await judging(options, model, await sampleOfModel(model), options.policy)
  if (policy.modelSha256 !== model.manifest.sha256)
    throw new UsageError(
      `Policy ${policy.version} belongs to ${policy.model}, not to ${modelName(model.manifest)}: name its model with --model.`,
    )
  const inference = commandInference(model)
  try {
    const result = await inference.screen(read.bytes)
    if (!result.ok) {
      say(`${scan}: UNSCREENABLE, to be treated as an alarm. ${result.reason}`)
      process.exitCode = 2
      return
    }
    const { output } = result
    const { verdict, classes } = judge(
      mapClasses((c) => output.classes[c].fused),
      policy,
      calibration,
    )
    say(
      `${scan}: ${verdict.toUpperCase()} under policy ${policy.version} (${from}), model ${modelName(model.manifest)}, ${output.provider}`,
    )
    for (const c of THREAT_CLASSES) {
      const { logits, fused } = output.classes[c]
      const { map, prevalence } = calibration.classes[c]
      const { alarm, advisory } = policy.classes[c]
      const { posterior, tier } = classes[c]
      const odds = calibratedLogOdds(map, fused)
      const at = (t: number): string => posteriorInWords(posteriorAt(calibration.classes[c], t, policy.prevalence[c]))
      say(`\n${c}: ${tier === 'none' ? 'no alarm' : tier.toUpperCase()}`)
      say(
        `  logits by level      ${logits.map((z) => z.toFixed(3)).join(', ')}; their mean, the fused logit: ${fused.toFixed(3)}`,
      )
      say(
        `  calibrated           ${percentFine(fromLogOdds(odds))} in the calibration sample, where ${percentFine(prevalence)} hold a ${c} (${map.method})`,
      )
      say(
        `  at this lane         ${posteriorInWords(posterior)} (${percentFine(posterior)}): here ${oneIn(policy.prevalence[c])} bags hold one`,
      )
      say(
        `  advisory from        ${advisory.threshold.toFixed(3)} (${at(advisory.threshold)}): ${fused >= advisory.threshold ? 'reached' : `short by ${(advisory.threshold - fused).toFixed(3)}`}; ${setWords(advisory.setBy)}`,
      )
      say(
        `  alarm from           ${alarm.threshold.toFixed(3)} (${at(alarm.threshold)}): ${fused >= alarm.threshold ? 'reached' : `short by ${(alarm.threshold - fused).toFixed(3)}`}; ${setWords(alarm.setBy)}`,
      )
    }
  } finally {
    await inference.stop()
  }
}
const percentFine = (p: number): string => `${Number((100 * p).toPrecision(3))} %`

interface SimulateOptions extends BookOptions {
  bags: number
  prevalence: number
  seed: number
  scores?: string
  policy?: number
  json?: boolean
}
async function simulate(options: SimulateOptions): Promise<void> {
  const model = modelOf(options.model)
  const own = await sampleOfModel(model)
  const { policy, calibration, from } = await judging(options, model, own, options.policy)
  const sample = options.scores === undefined ? own : sampleOf(parseScores(readText(options.scores)))
  const began = performance.now()
  const month = simulateBags(sample, policy, calibration, options.bags, options.prevalence, options.seed)
  if (options.json) {
    say(JSON.stringify(month))
    return
  }
  const count = (n: number): string => n.toLocaleString('en-US')
  const promised = policy.anyAlarm?.falseAlarmUpper95
  const alarms = month.falseAlarms + month.found
  say(
    `${count(month.bags)} bags at ${options.prevalence} with a threat, policy ${policy.version} (${from}), drawn from ${options.scores ?? "the model's held-out scores"}, ${((performance.now() - began) / 1000).toFixed(1)} s`,
  )
  say(
    `False alarms     ${count(month.falseAlarms)} of ${count(month.benign)} benign bags: ${rate(month.falseAlarms / month.benign)} per 1,000` +
      (promised === undefined
        ? ' (the policy promises no rate)'
        : `; promised at most ${rate(promised)}: ${month.falseAlarms / month.benign <= promised ? 'kept' : 'BROKEN'}`),
  )
  say(`Advisories       ${count(month.falseAdvisories)} benign bags: ${rate(month.falseAdvisories / month.benign)} per 1,000`)
  say(
    `Threats          ${count(month.threats)}: ${count(month.found)} alarmed (${percent(month.threats ? month.found / month.threats : null)}), ${count(month.advised)} advisory only, ${count(month.missed)} missed`,
  )
  say(`An alarm was right ${alarms ? posteriorInWords(month.found / alarms) : 'never: there was none'} (${count(alarms)} alarms)`)
  say(`Calibration error ${month.calibrationError.toExponential(1)} (mean |posterior − truth| over bins of posterior)`)
  for (const c of THREAT_CLASSES) {
    const { threats, found, falseAlarms, expected } = month.classes[c]
    say(
      `  ${c.padEnd(9)} ${count(threats)} threats, the posteriors said ${count(Math.round(expected))}; ${count(found)} alarmed as ${c}; ${count(falseAlarms)} false`,
    )
  }
  say(
    `(The draw repeats a finite sample: ${sample.benign.length} independent benign bags; a rate below ${rate(upperBound(0, sample.benign.length))} per 1,000 it cannot tell.)`,
  )
}

const exported = z.object({
  kind: z.literal('lanescope-policy'),
  schema: z.literal(1),
  policy: policySchema,
  calibration: calibrationSchema,
})

async function exportPolicy(version: number | undefined, options: BookOptions & { out?: string }): Promise<void> {
  const model = modelOf(options.model)
  const { policy, calibration } = await judging(options, model, await sampleOfModel(model), version)
  const document: z.infer<typeof exported> = { kind: 'lanescope-policy', schema: 1, policy, calibration }
  const text = `${JSON.stringify(document, null, 2)}\n`
  if (options.out === undefined) process.stdout.write(text)
  else writeFileSync(options.out, text)
}

async function importPolicy(file: string, options: BookOptions & { person: string; reason: string }): Promise<void> {
  const parsed = exported.safeParse(readJson(file))
  if (!parsed.success) throw new UsageError(`${file} is not an exported policy: ${z.prettifyError(parsed.error)}`)
  const { policy, calibration } = parsed.data
  const [person, reason] = [options.person.trim(), options.reason.trim()]
  if (person === '' || reason === '') throw new UsageError('A name and a reason go with every policy.')
  const saved = await withBook(options, (book) => {
    const inForce = book.isEmpty() ? null : book.current()
    if (inForce && inForce.modelSha256 !== policy.modelSha256)
      throw new UsageError(
        `This policy belongs to ${policy.model}; the lane runs ${inForce.model}. Its thresholds would mean nothing there.`,
      )
    const at = Date.now()
    const known = book.calibration(calibration.version)
    const same =
      known !== null &&
      JSON.stringify(known.classes) === JSON.stringify(calibration.classes) &&
      known.modelSha256 === calibration.modelSha256
    const { version: _c, ...map } = calibration
    const { version } = same ? known : book.saveCalibration({ ...map, createdAt: at, author: person })
    const { version: old, ...rest } = policy
    return book.save({
      ...rest,
      calibration: version,
      createdAt: at,
      author: person,
      reason: `Imported (policy ${old} by ${policy.author}): ${reason}`,
    })
  })
  say(`Policy ${saved.version} is in force.`)
}

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}
function readJson(file: string): unknown {
  try {
    return JSON.parse(readText(file))
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${file} is not JSON.`)
  }
}
