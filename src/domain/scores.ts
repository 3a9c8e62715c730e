// Labelled scores: the held-out sample that ships beside a model, and what may be counted in it.
import { mapClasses, THREAT_CLASSES, type PerClass, type ThreatClass } from '../shared/classes'

/** 1 the bag holds the class, 0 it does not, −1 unknown. */
export type Known = 1 | 0 | -1
export interface ScoredScan {
  source: string
  /** the bag, whatever the source: its renderings, twins and composites are not independent of one another */
  group: string
  labels: PerClass<Known>
  fused: PerClass<number>
}

/** A sample that cannot bear what is asked of it; the message says why, in plain words. */
export class UnusableSample extends Error {
  override readonly name = 'UnusableSample'
}

/**
 * Reads `<name>.scores.csv` (docs/MODEL_CONTRACT.md): a header with source, group, a label column a class and z_<class>, in any order.
 * Throws UnusableSample with the line's number on anything that is not a number where one must be: no row is skipped in silence.
 */
export function parseScores(csv: string): ScoredScan[] {
  const lines = csv.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const header = (lines[0] ?? '').split(',').map((h) => h.trim().toLowerCase())
  const column = (name: string): number => {
    const i = header.indexOf(name)
    if (i < 0) throw new UnusableSample(`The scores have no column "${name}".`)
    return i
  }
  const source = column('source')
  const group = column('group')
  const label = mapClasses((c) => column(c))
  const fused = mapClasses((c) => column(`z_${c}`))
  return lines.slice(1).map((line, n) => {
    const cells = line.split(',').map((cell) => cell.trim())
    const at = (i: number): string => cells[i] ?? ''
    const number = (i: number, what: string): number => {
      const value = at(i) === '' ? NaN : Number(at(i))
      if (!Number.isFinite(value)) throw new UnusableSample(`Line ${n + 2} of the scores: ${what} is "${at(i)}", not a number.`)
      return value
    }
    if (cells.length !== header.length)
      throw new UnusableSample(`Line ${n + 2} of the scores has ${cells.length} cells, not ${header.length}.`)
    return {
      source: at(source),
      group: at(group),
      labels: mapClasses((c) => {
        const value = number(label[c], `the label of ${c}`)
        if (value !== 0 && value !== 1 && value !== -1)
          throw new UnusableSample(`Line ${n + 2} of the scores: a label is 0, 1 or -1, not ${value}.`)
        return value
      }),
      fused: mapClasses((c) => number(fused[c], `the score of ${c}`)),
    }
  })
}

export function writeScores(scans: readonly ScoredScan[]): string {
  const header = ['source', 'group', ...THREAT_CLASSES, ...THREAT_CLASSES.map((c) => `z_${c}`)].join(',')
  const rows = scans.map((s) =>
    [s.source, s.group, ...THREAT_CLASSES.map((c) => s.labels[c]), ...THREAT_CLASSES.map((c) => s.fused[c])].join(','),
  )
  return [header, ...rows, ''].join('\n')
}

export const isBenign = (scan: Pick<ScoredScan, 'labels'>): boolean => THREAT_CLASSES.every((c) => scan.labels[c] === 0)

/**
 * One scan a group, which of them by the group's name: independent draws, which is what every bound here assumes. Renderings and twins of
 * one bag would count one bag's luck several times.
 */
export function onePerGroup<T extends Pick<ScoredScan, 'group'>>(scans: readonly T[]): T[] {
  const groups = new Map<string, T[]>()
  for (const scan of scans) {
    const members = groups.get(scan.group)
    if (members) members.push(scan)
    else groups.set(scan.group, [scan])
  }
  return [...groups].map(([key, members]) => members[hash(key) % members.length]).filter((s) => s !== undefined)
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** A sample taken apart for thresholds: independent benign bags, and each class's independent positives, as fused logits by class. */
export interface Sample {
  benign: PerClass<number>[]
  positives: PerClass<PerClass<number>[]>
}

export function sampleOf(scans: readonly ScoredScan[]): Sample {
  const fused = (list: ScoredScan[]): PerClass<number>[] => onePerGroup(list).map((s) => s.fused)
  return { benign: fused(scans.filter(isBenign)), positives: mapClasses((c) => fused(scans.filter((s) => s.labels[c] === 1))) }
}

/** Refuses a sample of benign bags that no threshold can be made from. */
export function checkBenign(sample: Sample, classes: readonly ThreatClass[] = THREAT_CLASSES): void {
  const n = sample.benign.length
  if (n === 0) throw new UnusableSample('There is no benign bag in the sample, so no false-alarm rate can be told.')
  if (n < FEWEST_BENIGN)
    throw new UnusableSample(`There are only ${n} independent benign bags in the sample; at least ${FEWEST_BENIGN} are needed.`)
  for (const c of classes) {
    const first = sample.benign[0]?.[c]
    if (sample.benign.every((z) => z[c] === first))
      throw new UnusableSample(`Every benign bag has the same ${c} score (${first ?? NaN}), so no threshold can part them.`)
  }
}
export const FEWEST_BENIGN = 20
