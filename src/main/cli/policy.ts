// `lanescope policy`: show, explain, simulate, export, import: alarm policy from the command line, beside a running station too.
import type { Command } from 'commander'
import { judging, modelOf, sampleOfModel, wholeNumber, type BookOptions } from './book'
import { UsageError } from './exit'
import { exportPolicy, importPolicy } from './policy-exchange'
import { explain } from './policy-explain'
import { preset } from './policy-preset'
import { simulate } from './policy-simulate'
import { printPolicy, say, sayJson } from './policy-words'

const DATA: [string, string] = ['--data <dir>', "the lane's data folder (default: where the station keeps it)"]
const MODEL: [string, string] = [
  '--model <dir>',
  'folder of the model, or its manifest (default: resources/models, or LANESCOPE_MODELS)',
]

const PERSON: [string, string] = ['--person <name>', 'who does this (needed)']
const REASON: [string, string] = ['--reason <words>', 'why (needed)']

export function register(program: Command): void {
  const policy = program
    .command('policy')
    .summary('show, explain, simulate, export, import and preset alarm policies')
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
      'Saves an exported policy as a new version in force, signed: --person and --reason are needed. Refused for another model: its thresholds would mean nothing.',
    )
    .argument('<file>', 'a document of `policy export`')
    .option(...PERSON)
    .option(...REASON)
    .option(...DATA)
    .option(...MODEL)
    .action(importPolicy)
  policy
    .command('preset')
    .description(
      'Puts one of the model\'s own sets of thresholds in force ("default", "quiet"), signed; without a name it lists them.',
    )
    .argument('[name]', 'which')
    .option(...PERSON)
    .option(...REASON)
    .option(...DATA)
    .option(...MODEL)
    .action(preset)
}

async function show(version: number | undefined, options: BookOptions & { json?: boolean }): Promise<void> {
  const model = modelOf(options.model)
  const { policy, from } = await judging(options, model, await sampleOfModel(model), version)
  if (options.json) sayJson(policy)
  else {
    say(`From ${from}.`)
    printPolicy(policy)
  }
}

function share(value: string): number {
  const n = Number(value)
  if (!(n >= 0 && n < 1)) throw new UsageError(`${value} is not a share of bags (0 to 1).`)
  return n
}
