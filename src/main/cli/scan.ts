// `lanescope scan`: screens files and folders without a window or a database, by the model's first policy.
import type { SingleBar } from 'cli-progress'
import type { Command } from 'commander'
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { modelName } from '../../domain/first-policy'
import { posteriorInWords } from '../../domain/words'
import { THREAT_CLASSES } from '../../shared/classes'
import type { InferenceRoom } from '../inference/client'
import { chooseModel } from '../inference/model-files'
import { screenAndJudge, unscreenable, type Judged, type JudgingMeans } from '../station/judging'
import { UsageError } from './exit'
import { inOrder } from './in-order'
import { commandInference, FIRST_POLICY, inHand, judgingByModel } from './inference'
import { progressBar } from './progress'
import { listScans, readScan, type Listed } from './scan-files'
import { lineOf, type Judge, type ScanLine } from './scan-line'
import { err, makeWay, out } from './terminal'

export interface ScanOptions {
  json?: boolean
  heatmaps?: string
  everyClass?: boolean
  model?: string
}

export function register(program: Command): void {
  program
    .command('scan')
    .summary('screen scan files and folders')
    .description(
      'Screens scans (JPEG, PNG, TIFF, WebP, BMP up to 50 megapixels) and folders of them, without a window or a database.\n' +
        "Scores are posteriors at the first policy's prevalence (1 threat in 1,000 bags); tiers follow the model's own thresholds.",
    )
    .argument('<path...>', 'files and folders; folders are searched to the bottom')
    .option('--json', 'one JSON line a scan on stdout, nothing else there')
    .option('--heatmaps <dir>', 'write a picture of scan and heatmap for each class in alarm or advisory')
    .option('--every-class', 'with --heatmaps: for every class, flagged or not')
    .option('--model <which>', 'name of a model (lanescope models lists them), its folder, or its manifest')
    .addHelpText(
      'after',
      '\nExit code: 0 when every scan was screened, 2 when any was unscreenable, 64 for wrong use, 74 when a heatmap could not be written.' +
        '\nAn unscreenable scan must be treated as an alarm: in JSON its score, tier and peak are null and its logits empty.',
    )
    .action(async (paths: string[], options: ScanOptions) => {
      process.exitCode = await scan(paths, options)
    })
}

/** Screens everything; returns the exit code. Throws UsageError. */
async function scan(paths: string[], options: ScanOptions): Promise<number> {
  if (options.everyClass && options.heatmaps === undefined) throw new UsageError('--every-class belongs to --heatmaps DIR.')
  if (options.heatmaps !== undefined) makeFolder(options.heatmaps)
  const started = start(options.model)
  const inference = started.room?.inference
  const { scans, passedOver } = await listScans(paths)
  const bar = progressBar(scans.length)
  const counts = { alarm: 0, advisory: 0, clear: 0, unscreenable: 0 }
  let unwritten = 0
  try {
    for await (const { line, heatmap, bytes } of inOrder(scans, inHand(inference), (listed) => screenOne(listed, started))) {
      counts[line.verdict] += 1
      await print(options.json ? JSON.stringify(line) : inWords(line), bar)
      if (options.heatmaps !== undefined && inference && bytes !== null)
        unwritten += await writeHeatmaps(options.heatmaps, options.everyClass === true, line, bytes, heatmap, inference)
      bar?.increment()
    }
  } finally {
    bar?.stop()
    await inference?.stop()
  }
  if (!options.json)
    await print(
      `${scans.length} scans: ${counts.alarm} alarm, ${counts.advisory} advisory, ${counts.clear} clear, ${counts.unscreenable} unscreenable` +
        (passedOver > 0 ? `; ${passedOver} other files passed over` : ''),
      null,
    )
  else if (scans.length === 0) err(`No scans found (${passedOver} other files passed over).`)
  return counts.unscreenable > 0 ? 2 : unwritten > 0 ? 74 : 0
}

interface Started {
  /** null where no model could be had: every scan is unscreenable then, for the reason in `problem` */
  room: { inference: InferenceRoom; means: JudgingMeans; judge: Judge } | null
  problem: string
}

/** The model, its first policy, and a running process. A model that was named and can't be had is wrong use; a missing one of ours makes every scan unscreenable. */
function start(named: string | undefined): Started {
  try {
    const { manifest, modelPath } = chooseModel(import.meta.dirname, named)
    const inference = commandInference({ manifest, modelPath })
    const means = judgingByModel(inference)
    const judge = { model: modelName(manifest), policy: FIRST_POLICY }
    return { room: { inference, means, judge }, problem: '' }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    if (named !== undefined) throw new UsageError(problem)
    err(problem)
    return { room: null, problem }
  }
}

interface Screened {
  line: ScanLine
  heatmap: Uint8Array | null
  bytes: Uint8Array | null
}

async function screenOne(listed: Listed, { room, problem }: Started): Promise<Screened> {
  const began = performance.now()
  const read = 'unreadable' in listed ? listed : await readScan(listed.file, listed.at)
  const failed = (reason: string): Pick<Judged, 'record' | 'heatmap'> => ({
    record: unscreenable(reason, Date.now()),
    heatmap: null,
  })
  const { record, heatmap } =
    'unreadable' in read
      ? failed(read.unreadable)
      : room === null
        ? failed(problem)
        : await screenAndJudge(read.bytes, room.means)
  const [sha256, bytes] = 'unreadable' in read ? [null, null] : [read.sha256, read.bytes]
  const line = lineOf(listed.file, sha256, record, room?.judge ?? null, performance.now() - began)
  return { line, heatmap, bytes }
}

/** Writes the wanted overlays of one scan; returns how many could not be written. */
async function writeHeatmaps(
  folder: string,
  every: boolean,
  line: ScanLine,
  bytes: Uint8Array,
  sheet: Uint8Array | null,
  inference: InferenceRoom,
): Promise<number> {
  if (line.verdict === 'unscreenable') return 0
  let unwritten = 0
  let heat = sheet
  for (const [tile, name] of THREAT_CLASSES.entries()) {
    const { tier } = line.classes[name]
    if (!every && tier !== 'alarm' && tier !== 'advisory') continue
    const base = basename(line.file, extname(line.file)).slice(0, 100)
    // The content's hash keeps scans of one name in two folders apart.
    const path = join(folder, `${base}.${line.sha256?.slice(0, 8) ?? ''}.${name}.png`)
    try {
      // a clear scan's is made now
      heat ??= await inference.heatmap(bytes)
      writeFileSync(path, await inference.overlay(bytes, heat, tile))
    } catch (error) {
      unwritten += 1
      err(`The heatmap ${path} could not be written: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return unwritten
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new UsageError(`The folder ${folder} can't be made: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** One line on stdout, waiting where the reader is slow. On a terminal the bar gives way to it. */
async function print(line: string, bar: SingleBar | null): Promise<void> {
  if (bar !== null) makeWay()
  await out(line)
}

const MARKS = { alarm: 'ALARM       ', advisory: 'advisory    ', clear: 'clear       ', unscreenable: 'UNSCREENABLE' }
function inWords(line: ScanLine): string {
  if (line.verdict === 'unscreenable') return `${MARKS.unscreenable}  ${line.file}  ${line.reason ?? ''}`
  const flagged = THREAT_CLASSES.filter((name) => line.classes[name].tier !== 'none')
  const says = flagged.map(
    (name) => `${name} (${line.classes[name].tier ?? ''}): ${posteriorInWords(line.classes[name].score ?? Number.NaN)}`,
  )
  return `${MARKS[line.verdict]}  ${line.file}${says.length > 0 ? `  ${says.join('; ')}` : ''}`
}
