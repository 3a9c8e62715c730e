// What `lanescope evaluate` reports: average precision and pointing accuracy a class, with intervals, from scored and labelled scans.
import {
  classificationTable,
  DEFAULT_PROTOCOL,
  DEFAULT_REPLICATES,
  pointingTable,
  type Estimate,
  type Label,
} from '../../domain/metrics'
import { THREAT_CLASSES } from '../../shared/classes'

export interface ScoredScan {
  name: string
  group: string
  labels: Label[]
  /** fused logits, mean of the levels */
  z: number[]
  /** 1 the class's peak lies in a box of the class, 0 it does not, -1 no box of that class */
  hits: Label[]
  /** the same by the paper's way of pointing (5.3): maximum over the levels' maps at the scan's size */
  hitsOverScales: Label[]
}

export interface Evaluation {
  protocol: string
  replicates: number
  seed: number
  scans: number
  averagePrecision: Record<string, Estimate>
  /** by the peak that the app shows; null where no scan has a box */
  pointing: Record<string, Estimate> | null
  /** by the paper's way (5.3) */
  pointingOverScales: Record<string, Estimate> | null
}

export const SEED = 0

export function evaluate(scans: readonly ScoredScan[]): Evaluation {
  const options = { groups: scans.map((scan) => scan.group), seed: SEED, replicates: DEFAULT_REPLICATES }
  const pointing = (hits: readonly Label[][]): Evaluation['pointing'] =>
    hits.some((row) => row.some((hit) => hit !== -1)) ? pointingTable(hits, THREAT_CLASSES, options) : null
  return {
    protocol: DEFAULT_PROTOCOL,
    replicates: options.replicates,
    seed: options.seed,
    scans: scans.length,
    averagePrecision: classificationTable(
      scans.map((scan) => scan.z),
      scans.map((scan) => scan.labels),
      THREAT_CLASSES,
      options,
    ),
    pointing: pointing(scans.map((scan) => scan.hits)),
    pointingOverScales: pointing(scans.map((scan) => scan.hitsOverScales)),
  }
}

/** One table like the paper's: a row a class and the mean. Undefined figures are dashes; in percent. */
export function inTable(evaluation: Evaluation): string {
  const rows = [['', 'AP', '95 %', 'positive', 'negative', "the app's peak", '95 %', 'hits', "the paper's, 5.3", '95 %', 'hits']]
  for (const name of [...THREAT_CLASSES, 'mean']) {
    const ap = evaluation.averagePrecision[name]
    const aims = [evaluation.pointing?.[name], evaluation.pointingOverScales?.[name]]
    rows.push([
      name,
      percent(ap?.value),
      between(ap),
      name === 'mean' ? '' : String(ap?.positives ?? 0),
      name === 'mean' ? '' : String(ap?.negatives ?? 0),
      ...aims.flatMap((aim) => [
        percent(aim?.value),
        between(aim),
        aim && aim.positives + aim.negatives > 0 ? `${aim.positives}/${aim.positives + aim.negatives}` : '',
      ]),
    ])
  }
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map((row) => (row[c] ?? '').length)))
  return rows
    .map((row) => row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0))).join('  '))
    .join('\n')
}

function percent(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '–' : (100 * value).toFixed(1)
}

function between(estimate: Estimate | undefined): string {
  return estimate === undefined || Number.isNaN(estimate.low) ? '' : `${percent(estimate.low)}–${percent(estimate.high)}`
}

/** The scores as CSV, in the layout that `python -m lanescope evaluate --scores` reads: what another program can check. */
export function scoresCsv(scans: readonly ScoredScan[]): string {
  const header = [
    'name',
    'group',
    ...THREAT_CLASSES,
    ...THREAT_CLASSES.map((c) => `z_${c}`),
    ...THREAT_CLASSES.map((c) => `hit_${c}`),
    ...THREAT_CLASSES.map((c) => `hit_over_scales_${c}`),
  ]
  return `${[header, ...scans.map((s) => [s.name, s.group, ...s.labels, ...s.z, ...s.hits, ...s.hitsOverScales])].map((row) => row.join(',')).join('\n')}\n`
}
