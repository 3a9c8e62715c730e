// `lanescope evaluate`: average precision and pointing accuracy of the shipped model on labelled scans, one table like the paper's.
import type { Command } from 'commander'
import { writeFileSync } from 'node:fs'
import { type Label } from '../../domain/metrics'
import { inAnyBox, type Box } from '../../domain/pointing'
import { modelName } from '../../domain/first-policy'
import type { Point } from '../../shared/bag'
import { printable } from '../../domain/scan/names'
import { THREAT_CLASSES, type PerClass } from '../../shared/classes'
import type { InferenceRoom } from '../inference/client'
import { chooseModel, type ModelFiles } from '../inference/model-files'
import { screenAndJudge, type JudgingMeans } from '../station/judging'
import { evaluate, inTable, scoresCsv, type ScoredScan } from './evaluate-table'
import { UsageError } from './exit'
import { inOrder } from './in-order'
import { commandInference, inHand, judgingByModel } from './inference'
import { Annotations, type AnnotationReport } from './labels/annotated'
import type { LabelledScan } from './labels/list'
import { matchScans, type Matched, type Refused } from './labels/matched'
import { progressBar } from './progress'
import { readScan } from './scan-files'
import { err, out } from './terminal'

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
        'and pointing accuracy with 95 % bootstrap intervals, in two ways: by the peak that the app shows (of the fused map), and by the SIXray\n' +
        "paper's (5.3: the highest spot of the levels' maps at the scan's size).",
    )
    .requiredOption('--images <dir>', 'folder of scans, named as in the list (JPEGImage)')
    .requiredOption(
      '--labels <csv>',
      'list with name,Gun,Knife,Wrench,Pliers,Scissors: 1 present, -1 absent, 0 unknown; a column "group" keeps bags together',
    )
    .option('--annotations <dir>', 'folder of VOC annotations (NAME.xml) for pointing accuracy')
    .option('--json', 'one JSON object on stdout, nothing else there')
    .option('--save-scores <file>', 'write the score of every scan as CSV (python -m lanescope evaluate --scores reads it)')
    .option('--model <which>', 'name of a model (lanescope models lists them), its folder, or its manifest')
    .addHelpText(
      'after',
      '\nScans of the list that are not in the folder are passed over and counted. Exit code: 0 when every scan was scored and every annotation read, ' +
        '2 when any could not be: they are named, and the table is without them. A bad box is named and left out.',
    )
    .action(async (options: EvaluateOptions) => {
      process.exitCode = await run(options)
    })
}

async function run(options: EvaluateOptions): Promise<number> {
  const { matched, annotations, model } = prepare(options)
  const { scans } = matched
  const inference = commandInference(model)
  const means = judgingByModel(inference)
  const bar = progressBar(scans.length)
  const scored: ScoredScan[] = []
  const unscored: Refused[] = [...matched.refused]
  try {
    const scoring = inOrder(scans, inHand(inference), (scan) => score(scan, scan.path, annotations, means, inference))
    for await (const result of scoring) {
      if ('reason' in result) unscored.push(result)
      else scored.push(result)
      bar?.increment()
    }
  } finally {
    bar?.stop()
    await inference.stop()
  }
  const report = annotations?.report() ?? null
  tell(unscored, report)
  if (options.saveScores !== undefined) writeFileSync(options.saveScores, scoresCsv(scored))
  const evaluation = evaluate(scored)
  const { notInFolder, notInList } = matched
  await print(
    options.json
      ? JSON.stringify({
          ...{ model: modelName(model.manifest), sha256: model.manifest.sha256, ...evaluation },
          ...{ notInFolder, notInList, unscored, annotations: report },
        })
      : `${modelName(model.manifest)} on ${scored.length} scans (percent; 95 % bootstrap, ${evaluation.replicates} replicates)\n\n${inTable(evaluation)}\n\n` +
          `${notInFolder} listed scans are not in the folder, ${notInList} scans there are not in the list, ${unscored.length} could not be scored.` +
          (report === null ? '' : `\n${annotationsInWords(report)}`),
  )
  return unscored.length + (report?.refused.length ?? 0) > 0 ? 2 : 0
}

/** Everything left out, by name, on stderr. */
function tell(unscored: readonly Refused[], report: AnnotationReport | null): void {
  const say = ({ name, reason }: Refused, what: string): void => err(`${name} ${what}: ${reason}`)
  for (const one of unscored) say(one, 'could not be scored')
  for (const one of report?.refused ?? []) say(one, 'has no annotation that can be used')
  for (const one of report?.badBoxes ?? []) say(one, 'has a box that is left out')
  for (const one of report?.disagreeing ?? []) say(one, 'is labelled in two ways')
}

function annotationsInWords({ read, missing, refused, badBoxes, otherObjects, disagreeing }: AnnotationReport): string {
  const others = Object.entries(otherObjects).map(([name, count]) => `${printable(name)} ${count}`)
  return (
    `${read} annotations were read, ${refused.length} could not be used; ${badBoxes.length} boxes left out, ${disagreeing.length} at odds with the list; ` +
    `${missing} scans that hold something have none; objects of other classes: ${others.join(', ') || 'none'}.`
  )
}

interface Prepared {
  matched: Matched
  annotations: Annotations | null
  model: ModelFiles
}

/** Everything that can be wrong with the command is found before the first scan is scored. */
function prepare(options: EvaluateOptions): Prepared {
  try {
    return {
      matched: matchScans(options.images, options.labels),
      annotations: options.annotations === undefined ? null : new Annotations(options.annotations),
      model: chooseModel(import.meta.dirname, options.model),
    }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

async function score(
  scan: LabelledScan,
  path: string,
  annotations: Annotations | null,
  means: JudgingMeans,
  inference: Pick<InferenceRoom, 'peaks'>,
): Promise<ScoredScan | Refused> {
  const read = await readScan(path)
  if ('unreadable' in read) return { name: scan.name, reason: read.unreadable }
  const { classes, reason, width, height } = (await screenAndJudge(read.bytes, means)).record
  if (classes === null || width === null || height === null)
    return { name: scan.name, reason: reason ?? 'The scan could not be analysed.' }
  const boxes = await annotations?.boxes(scan, read.bytes, { width, height })
  // a second look, at scans with a box alone
  const boxed = boxes !== undefined && THREAT_CLASSES.some((name) => boxes[name].length > 0)
  let paper: PerClass<Point> | null
  try {
    paper = boxed ? await inference.peaks(read.bytes) : null
  } catch (error) {
    return { name: scan.name, reason: error instanceof Error ? error.message : String(error) }
  }
  return {
    name: scan.name,
    group: scan.group,
    labels: scan.labels,
    z: THREAT_CLASSES.map((name) => classes[name].fused),
    hits: THREAT_CLASSES.map((name) => pointed(classes[name].peak, boxes?.[name] ?? [])),
    hitsOverScales: THREAT_CLASSES.map((name) => (paper === null ? -1 : pointed(paper[name], boxes?.[name] ?? []))),
  }
}

/** Whether a peak lies in one of a class's boxes, all in fractions of the scan; -1 where there is no box. */
const pointed = ({ x, y }: Point, boxes: readonly Box[]): Label => (boxes.length === 0 ? -1 : inAnyBox(x, y, boxes) ? 1 : 0)

const print = (text: string): Promise<void> => out(...text.split('\n'))
