// `lanescope calibrate`: fits the map from fused logit to probability, by class, from labelled scores or labelled scans.
import type { Command } from 'commander'
import { writeFileSync } from 'node:fs'
import { fitCalibration, type CalibrationFit } from '../../domain/calibrate'
import { modelName } from '../../domain/first-policy'
import { parseScores, sampleOf, UnusableSample, writeScores, type ScoredScan } from '../../domain/scores'
import { policyFrom } from '../../domain/thresholds'
import { mapClasses, THREAT_CLASSES, type PerClass } from '../../shared/classes'
import type { Calibration, CalibrationMap } from '../../shared/policy'
import type { ModelFiles } from '../inference/model-files'
import { screenAndJudge, unscreenable } from '../station/judging'
import { modelOf, sampleOfModel, withBook, type BookOptions } from './book'
import { UsageError } from './exit'
import { inOrder } from './in-order'
import { commandInference, inHand, judgingByModel } from './inference'
import { matchScans, type Matched } from './labels/matched'
import { readText } from './text'
import { progressBar } from './progress'
import { readScan } from './scan-files'
import { err, out } from './terminal'

interface CalibrateOptions extends BookOptions {
  scores?: string
  images?: string
  labels?: string
  out?: string
  saveScores?: string
  use?: boolean
  person?: string
  reason?: string
  json?: boolean
}

export function register(program: Command): void {
  program
    .command('calibrate')
    .summary('fit scores to probabilities from labelled scores or scans')
    .description(
      "Fits, for each class, Platt's sigmoid and isotonic regression on fused logits, keeps the one with the smaller held-out log-loss (five folds\n" +
        'by bag), and prints both with the reliability curve and the expected calibration error.',
    )
    .option('--scores <csv>', 'labelled scores: source,group,<class>…,z_<class>… (docs/MODEL_CONTRACT.md)')
    .option('--images <dir>', 'or a folder of scans, with --labels')
    .option('--labels <csv>', 'list with name,Gun,Knife,Wrench,Pliers,Scissors[,group]: 1 present, -1 absent, 0 unknown')
    .option('--save-scores <csv>', 'with --images: write the scores, for --scores next time')
    .option('--out <json>', 'write the calibration beside the model, e.g. NAME.calibration.json')
    .option('--use', "save it in the lane's book, and a new policy with the thresholds in force that uses it")
    .option('--person <name>', 'with --use: who does this')
    .option('--reason <words>', 'with --use: why')
    .option('--json', 'one JSON object on stdout, nothing else there')
    .option('--data <dir>', "the lane's data folder (default: where the station keeps it)")
    .option('--model <dir>', 'folder of the model, or its manifest (default: resources/models, or LANESCOPE_MODELS)')
    .addHelpText(
      'after',
      '\nExit code: 0 when every class was fitted, 2 when a sample could not bear a class (it is named), 64 for wrong use.',
    )
    .action(async (options: CalibrateOptions) => {
      process.exitCode = await run(options)
    })
}

const say = (line: string): void => void out(line)
type Made = Omit<Calibration, 'version'>

async function run(options: CalibrateOptions): Promise<number> {
  if ((options.scores === undefined) === (options.images === undefined))
    throw new UsageError('Name either --scores or --images with --labels.')
  if (options.use && (!options.person?.trim() || !options.reason?.trim()))
    throw new UsageError('--use needs --person and --reason: every policy is signed.')
  const model = modelOf(options.model)
  const { scans, name } = await labelled(options, model)
  const fits = mapClasses((c): CalibrationFit | string => {
    try {
      const known = scans.filter((s) => s.labels[c] !== -1)
      return fitCalibration(
        known.map((s) => ({ z: s.fused[c], positive: s.labels[c] === 1, group: s.group })),
        c,
      )
    } catch (error) {
      if (error instanceof UnusableSample) return error.message
      throw error
    }
  })
  if (!options.json) for (const c of THREAT_CLASSES) print(c, fits[c])
  const refused = Object.values(fits).filter((fit) => typeof fit === 'string')
  if (refused.length > 0) {
    err(`No calibration was made: ${refused.join(' ')}`)
    return 2
  }
  const made: Made = {
    createdAt: Date.now(),
    author: options.person?.trim() ?? 'command line',
    sample: `${name}: ${scans.length} scans, ${new Set(scans.map((s) => s.group)).size} bags`,
    model: modelName(model.manifest),
    modelSha256: model.manifest.sha256,
    classes: fits as PerClass<CalibrationFit>,
  }
  if (options.json) say(JSON.stringify(made))
  if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(made, null, 2)}\n`)
  if (options.use) await use(options, model, made)
  return 0
}

/** A new calibration, and a new policy with the same thresholds: alarms stay as they are, the posteriors beside them change. */
async function use(options: CalibrateOptions, model: ModelFiles, made: Made): Promise<void> {
  const sample = await sampleOfModel(model)
  const saved = await withBook(options, (book) => {
    const inForce = book.isEmpty() ? null : book.current()
    if (inForce?.modelSha256 !== made.modelSha256)
      throw new UsageError(
        `The lane ${inForce === null ? 'has no policy yet' : `runs ${inForce.model}`}; this calibration belongs to ${made.model}.`,
      )
    const calibration = book.saveCalibration(made)
    const signed = {
      createdAt: made.createdAt,
      author: made.author,
      reason: `Calibration ${calibration.version}: ${options.reason?.trim() ?? ''}`,
    }
    return book.save(policyFrom(inForce, sample, signed, calibration))
  })
  err(`Policy ${saved.version} is in force, with calibration ${saved.calibration} and the same thresholds as before.`)
}

function print(c: string, fit: CalibrationFit | string): void {
  if (typeof fit === 'string') {
    say(`${c}: not fitted`)
    return
  }
  say(`${c}: ${mapWords(fit.map)}; ${fit.positives} with, ${fit.negatives} without`)
  say(
    `  held-out log-loss: Platt ${fit.logLoss.platt.toFixed(4)}, isotonic ${fit.logLoss.isotonic.toFixed(4)} nats a scan; expected calibration error ${fit.ece.toFixed(4)}`,
  )
  say(
    `  reliability (predicted → observed, n): ${fit.reliability.map((b) => `${short(b.predicted)} → ${short(b.observed)} (${b.n})`).join(', ')}`,
  )
}
const short = (p: number): string => (p > 0 && p < 0.001 ? p.toExponential(0) : p.toFixed(3))
const mapWords = (map: CalibrationMap): string =>
  map.method === 'platt'
    ? `Platt, p = σ(${map.a.toFixed(3)} z ${map.b < 0 ? '−' : '+'} ${Math.abs(map.b).toFixed(3)})`
    : `isotonic, ${map.z.length} knots`

async function labelled(options: CalibrateOptions, model: ModelFiles): Promise<{ scans: ScoredScan[]; name: string }> {
  try {
    if (options.scores !== undefined) {
      const scans = parseScores(readText(options.scores))
      sampleOf(scans)
      return { scans, name: options.scores }
    }
  } catch (error) {
    throw error instanceof UnusableSample ? new UsageError(`${options.scores ?? ''}: ${error.message}`) : error
  }
  if (options.images === undefined || options.labels === undefined) throw new UsageError('--images needs --labels.')
  const scans = await scored(options.images, options.labels, model)
  if (options.saveScores !== undefined) writeFileSync(options.saveScores, writeScores(scans))
  return { scans, name: options.images }
}

async function scored(folder: string, labels: string, model: ModelFiles): Promise<ScoredScan[]> {
  const { scans: list, refused } = matched(folder, labels)
  const inference = commandInference(model)
  const means = judgingByModel(inference)
  const bar = progressBar(list.length)
  const scans: ScoredScan[] = []
  const leftOut = refused.map(({ name, reason }) => `${name} is left out: ${reason}`)
  try {
    const screened = inOrder(list, inHand(inference), async (listed) => {
      const read = await readScan(listed.path)
      const record =
        'unreadable' in read ? unscreenable(read.unreadable, Date.now()) : (await screenAndJudge(read.bytes, means)).record
      return { ...listed, ...record }
    })
    for await (const { name, labels: row, group, classes, reason } of screened) {
      bar?.increment()
      if (classes === null) {
        leftOut.push(`${name} is left out: ${reason ?? ''}`)
        continue
      }
      scans.push({
        source: folder,
        group,
        labels: mapClasses((_, i) => row[i] ?? -1),
        fused: mapClasses((c) => classes[c].fused),
      })
    }
  } finally {
    bar?.stop()
    await inference.stop()
  }
  err(...leftOut)
  return scans
}

/** Throws UsageError. */
function matched(folder: string, labels: string): Matched {
  try {
    return matchScans(folder, labels)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
