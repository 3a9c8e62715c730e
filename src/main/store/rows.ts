// From rows to bags: whole pages in three queries, however long the page.
import type { Bag, BagOnScan, ClassResult, Finding, Place } from '../../shared/bag'
import { THREAT_CLASSES, type PerClass, type ThreatClass, type Tier, type Verdict } from '../../shared/classes'
import type { Db } from './database'

interface BagRow {
  id: number
  lane: string
  path: string
  sha256: string | null
  received_at: number
  has_scan: 0 | 1
  heatmap: string | null
  screened_at: number | null
  width: number | null
  height: number | null
  verdict: Verdict | null
  reason: string | null
  model: string | null
  policy: number | null
  provider: string | null
  ms_decode: number | null
  ms_infer: number | null
  ms_total: number | null
  on_scan: string | null
  d_action: NonNullable<Bag['decision']>['action'] | null
  d_person: string
  d_reason: string | null
  d_at: number
  d_seconds: number | null
  o_id: number
  o_kind: NonNullable<Bag['outcome']>['kind'] | null
  o_comment: string | null
  o_person: string
  o_at: number
}
interface FindingRow {
  outcome_id: number
  class: ThreatClass
  x: number | null
  y: number | null
  width: number | null
  height: number | null
}
interface ScoreRow {
  bag_id: number
  class: ThreatClass
  logits: string
  fused: number
  posterior: number
  tier: Tier
  peak_x: number
  peak_y: number
}

export class BagRows {
  readonly #bags
  readonly #scores
  readonly #findings

  constructor(db: Db) {
    this.#bags = db.prepare<[string], BagRow>(`
      SELECT b.id, b.lane, b.path, b.sha256, b.received_at, b.has_scan, b.heatmap, b.screened_at, b.width, b.height, b.verdict, b.reason,
        b.model, b.policy, b.provider, b.ms_decode, b.ms_infer, b.ms_total, b.on_scan,
        d.action AS d_action, d.person AS d_person, d.reason AS d_reason, d.at AS d_at, d.seconds AS d_seconds,
        o.id AS o_id, o.kind AS o_kind, o.comment AS o_comment, o.person AS o_person, o.at AS o_at
      FROM bags b LEFT JOIN decisions d ON d.id = b.decision LEFT JOIN outcomes o ON o.id = b.outcome
      WHERE b.id IN (SELECT value FROM json_each(?))`)
    this.#scores = db.prepare<[string], ScoreRow>('SELECT * FROM class_scores WHERE bag_id IN (SELECT value FROM json_each(?))')
    this.#findings = db.prepare<[string], FindingRow>(
      'SELECT * FROM findings WHERE outcome_id IN (SELECT value FROM json_each(?)) ORDER BY outcome_id, n',
    )
  }

  /** The bags of these ids, in their order; an unknown id is left out. */
  of(ids: readonly number[]): Bag[] {
    if (ids.length === 0) return []
    const list = JSON.stringify(ids)
    const results = new Map<number, Partial<PerClass<ClassResult>>>()
    for (const s of this.#scores.all(list)) {
      const classes = results.get(s.bag_id) ?? {}
      classes[s.class] = {
        logits: JSON.parse(s.logits) as number[],
        fused: s.fused,
        posterior: s.posterior,
        tier: s.tier,
        peak: { x: s.peak_x, y: s.peak_y },
      }
      results.set(s.bag_id, classes)
    }
    const rows = this.#bags.all(list)
    const found = this.#found(rows.flatMap((row) => (row.o_kind === null ? [] : [row.o_id])))
    const bags = new Map(rows.map((row) => [row.id, toBag(row, results.get(row.id), found.get(row.o_id) ?? [])]))
    return ids.flatMap((id) => bags.get(id) ?? [])
  }

  /** What outcomes name, by outcome. */
  #found(outcomes: readonly number[]): Map<number, Finding[]> {
    const found = new Map<number, Finding[]>()
    if (outcomes.length === 0) return found
    for (const row of this.#findings.all(JSON.stringify(outcomes)))
      found.set(row.outcome_id, [...(found.get(row.outcome_id) ?? []), { class: row.class, where: toPlace(row) }])
    return found
  }
}

/** The last part of a path, whichever system wrote it. */
export const fileName = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1) || path

const complete = (classes: Partial<PerClass<ClassResult>> | undefined): classes is PerClass<ClassResult> =>
  classes !== undefined && THREAT_CLASSES.every((c) => classes[c])

function toPlace({ x, y, width, height }: FindingRow): Place | null {
  if (x === null || y === null) return null
  return width === null || height === null ? { shape: 'point', x, y } : { shape: 'box', x, y, width, height }
}

function toBag(row: BagRow, classes: Partial<PerClass<ClassResult>> | undefined, found: Finding[]): Bag {
  const { ms_decode: decode, ms_infer: infer, ms_total: total } = row
  return {
    id: row.id,
    lane: row.lane,
    path: row.path,
    fileName: fileName(row.path),
    sha256: row.sha256,
    receivedAt: row.received_at,
    screenedAt: row.screened_at,
    width: row.width,
    height: row.height,
    verdict: row.verdict,
    reason: row.reason,
    classes: complete(classes) ? classes : null,
    ...(row.on_scan === null ? {} : { bags: JSON.parse(row.on_scan) as BagOnScan[] }),
    model: row.model,
    policy: row.policy,
    provider: row.provider,
    ms: decode !== null && infer !== null && total !== null ? { decode, infer, total } : null,
    decision:
      row.d_action === null
        ? null
        : { action: row.d_action, person: row.d_person, reason: row.d_reason, at: row.d_at, seconds: row.d_seconds },
    outcome:
      row.o_kind === null
        ? null
        : {
            kind: row.o_kind,
            found,
            comment: row.o_comment,
            person: row.o_person,
            at: row.o_at,
          },
    hasScan: row.has_scan === 1,
    hasHeatmap: row.heatmap !== null,
  }
}
