// `lanescope evaluate`: average precision and pointing accuracy of the shipped model on labelled scans, one table like the paper's.
import type { Command } from 'commander'
import { writeFileSync } from 'node:fs'
import { inAnyBox, type Label } from '../../domain/metrics'
import { modelName } from '../../domain/first-policy'
import type { Point } from '../../shared/bag'
import { THREAT_CLASSES } from '../../shared/classes'
import { chooseModel, type ModelFiles } from '../inference/model-files'
import { screenAndJudge, type JudgingMeans } from '../station/judging'
import { evaluate, inTable, scoresCsv, type ScoredScan } from './evaluate-table'
import { UsageError } from './exit'
import { commandInference, judgingByModel } from './inference'
import { listImages, readAnnotation, readLabels, type Annotation, type LabelledScan } from './labelled-scans'
import { progressBar } from './progress'
import { readScan } from './scan-files'

export interface EvaluateOptions {
  images: string
  labels: string
  annotations?: string
  json?: boolean
  saveScores?: string
  model?: string
}

export function register(program: Command): void {
  program
    .command('evaluate')
    .summary('measure the model on labelled scans')
    .description(
      'Scores labelled scans and prints average precision (area under the interpolated precision-recall curve, as VOC has it since 2010)\n' +
        'and pointing accuracy (the peak on the screen lies in a box of its class) with 95 % bootstrap intervals, as the SIXray paper does.',
    )
    .requiredOption('--images <dir>', 'folder of scans, named as in the list (JPEGImage)')
    .requiredOption(
      '--labels <csv>',
      'list with name,Gun,Knife,Wrench,Pliers,Scissors: 1 present, -1 absent, 0 unknown; a column "group" keeps bags together',
    )
    .option('--annotations <dir>', 'folder of VOC annotations (NAME.xml) for pointing accuracy')
    .option('--json', 'one JSON object on stdout, nothing else there')
    .option('--save-scores <file>', 'write the score of every scan as CSV (python -m lanescope evaluate --scores reads it)')
    .option('--model <dir>', 'folder of the model, or its manifest (default: resources/models, or LANESCOPE_MODELS)')
    .addHelpText(
      'after',
      '\nScans of the list that are not in the folder are passed over and counted. Exit code: 0 when every scan was scored, 2 when any could not be: ' +
        'they are named, and the table is without them.',
    )
    .action(async (options: EvaluateOptions) => {
      process.exitCode = await run(options)
    })
}

interface Unscored {
  name: string
  reason: string
}

async function run(options: EvaluateOptions): Promise<number> {
  const { scans, without, unlabelled, model } = prepare(options)
  const inference = commandInference(model)
  const means = judgingByModel(inference)
  const bar = progressBar(scans.length)
  const scored: ScoredScan[] = []
  const unscored: Unscored[] = []
  try {
    for (const scan of scans) {
      const result = await score(scan, scan.path, scan.annotation, means)
      if ('reason' in result) unscored.push(result)
      else scored.push(result)
      bar?.increment()
    }
  } finally {
    bar?.stop()
    await inference.stop()
  }
  for (const { name, reason } of unscored) process.stderr.write(`${name} could not be scored: ${reason}\n`)
  if (options.saveScores !== undefined) writeFileSync(options.saveScores, scoresCsv(scored))
  const evaluation = evaluate(scored)
  const counts = { notInFolder: without, notInList: unlabelled, unscored }
  await print(
    options.json
      ? JSON.stringify({ model: modelName(model.manifest), sha256: model.manifest.sha256, ...evaluation, ...counts })
      : `${modelName(model.manifest)} on ${scored.length} scans (percent; 95 % bootstrap, ${evaluation.replicates} replicates)\n\n${inTable(evaluation)}\n\n` +
          `${without} listed scans are not in the folder, ${unlabelled} scans there are not in the list, ${unscored.length} could not be scored.`,
  )
  return unscored.length > 0 ? 2 : 0
}

interface Prepared {
  scans: (LabelledScan & { path: string; annotation: Annotation | null })[]
  without: number
  unlabelled: number
  model: ModelFiles
}

/** Everything that can be wrong with the command is found before the first scan is scored. */
function prepare(options: EvaluateOptions): Prepared {
  try {
    const images = listImages(options.images)
    const listed = readLabels(options.labels)
    const scans = listed.flatMap((scan) => {
      const path = images.get(scan.name)
      const annotation =
        path === undefined || options.annotations === undefined ? null : readAnnotation(options.annotations, scan.name)
      return path === undefined ? [] : [{ ...scan, path, annotation }]
    })
    if (scans.length === 0) throw new Error(`None of the ${listed.length} listed scans is in ${options.images}.`)
    return {
      scans,
      without: listed.length - scans.length,
      unlabelled: images.size - scans.length,
      model: chooseModel(import.meta.dirname, options.model),
    }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

async function score(
  scan: LabelledScan,
  path: string,
  annotation: Annotation | null,
  means: JudgingMeans,
): Promise<ScoredScan | Unscored> {
  const read = await readScan(path)
  if ('unreadable' in read) return { name: scan.name, reason: read.unreadable }
  const { classes, reason } = (await screenAndJudge(read.bytes, means)).record
  if (classes === null) return { name: scan.name, reason: reason ?? 'The scan could not be analysed.' }
  return {
    name: scan.name,
    group: scan.group,
    labels: scan.labels,
    z: THREAT_CLASSES.map((name) => classes[name].fused),
    hits: THREAT_CLASSES.map((name) => (annotation === null ? -1 : pointed(classes[name].peak, annotation, name))),
  }
}

/** Boxes are in pixels of the size that the annotation states, which need not be the size that arrived. */
function pointed({ x, y }: Point, annotation: Annotation, name: (typeof THREAT_CLASSES)[number]): Label {
  const boxes = annotation.boxes[name]
  if (boxes.length === 0) return -1
  return inAnyBox(x * annotation.width, y * annotation.height, boxes) ? 1 : 0
}

function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => process.stdout.write(`${text}\n`, (error) => (error ? reject(error) : resolve())))
}
