// The log of bags on SQLite: received, screened once, decided and reviewed with every change kept.
import type { Bag, BagFilter, Decision, HistoryEntry, ImageStatistics, Outcome } from '../../shared/bag'
import { mapClasses, THREAT_CLASSES, type PerClass, type ThreatClass, type Tier, type Verdict } from '../../shared/classes'
import type { StationStatus } from '../../shared/status'
import type { BagLog, ContentKey, ScoredBag, ScreenedRecord } from '../station/ports'
import type { Statement } from 'better-sqlite3'
import type { Audit } from './audit'
import { wellFormed } from './canonical'
import type { Chain } from './chain'
import type { Db } from './database'
import { KIND } from './records'
import { BagRows } from './rows'
import { countQuery, pageQuery, TOTAL_CAP, type IdRange, type Query } from './search'

const keyOf = (content: ContentKey): string => ('sha256' in content ? content.sha256 : `unreadable:${content.unreadable}`)

interface ScoredRow extends PerClass<number>, Record<`${ThreatClass}_tier`, Tier> {
  id: number
  model: string
  screened_at: number
  verdict: Verdict
  brightness: number | null
  background: number | null
  aspect: number | null
  bag_share: number | null
  outcome: number | null
}

export class SqliteBagLog implements BagLog {
  readonly #rows
  readonly #statements
  readonly #searches = new Map<string, Statement>()

  constructor(
    private readonly db: Db,
    private readonly audit: Audit,
    private readonly chain: Chain,
  ) {
    this.#rows = new BagRows(db)
    this.#statements = prepare(db)
  }

  knows(lane: string, path: string, content: ContentKey): boolean {
    return this.#statements.find.get(lane, path, keyOf(content)) !== undefined
  }

  receive(bag: { lane: string; path: string; content: ContentKey; kept: boolean; receivedAt: number }): {
    id: number
    isNew: boolean
  } {
    const key = keyOf(bag.content)
    const sha256 = 'sha256' in bag.content ? bag.content.sha256 : null
    return this.chain.write((bind) => {
      const known = this.#statements.find.get(bag.lane, bag.path, key)
      if (known !== undefined) return { id: known, isNew: false }
      // earlier bags with the same content can be shown again
      if (bag.kept && sha256 !== null)
        for (const id of this.#statements.gone.all(sha256)) {
          this.#statements.keptAgain.run(id)
          bind(KIND.keptAgain, id)
        }
      const at = Math.round(bag.receivedAt)
      const { lastInsertRowid } = this.#statements.receive.run(bag.lane, bag.path, key, sha256, at, bag.kept ? 1 : 0)
      const id = Number(lastInsertRowid)
      bind(bag.kept ? KIND.receivedKept : KIND.received, id)
      return { id, isNew: true }
    })
  }

  unfinished(): Bag[] {
    return this.#rows.of(this.#statements.unfinished.all())
  }

  finish(id: number, record: ScreenedRecord): Bag {
    this.chain.write((bind) => {
      const { ms, statistics: s } = record
      const { changes } = this.#statements.finish.run({
        id,
        verdict: record.verdict,
        reason: record.reason,
        width: record.width,
        height: record.height,
        model: record.model,
        policy: record.policy,
        provider: record.provider,
        heatmap: record.heatmap,
        screenedAt: Math.round(record.screenedAt),
        decode: ms?.decode ?? null,
        infer: ms?.infer ?? null,
        total: ms?.total ?? null,
        brightness: s?.brightness ?? null,
        background: s?.background ?? null,
        aspect: s?.aspect ?? null,
        bagShare: s?.bagShare ?? null,
        onScan: record.bags ? JSON.stringify(record.bags) : null,
      })
      if (changes === 0) return
      if (record.classes)
        for (const c of THREAT_CLASSES) {
          const { logits, fused, posterior, tier, peak } = record.classes[c]
          this.#statements.score.run(id, c, JSON.stringify(logits), fused, posterior, tier, peak.x, peak.y)
        }
      // a trigger that somebody put into the database must not change what was found
      if (this.#statements.verdict.get(id) !== record.verdict)
        throw new Error('The database gives back another verdict than the one that was written: somebody has changed its rules.')
      bind(KIND.screened, id)
    })
    return this.#existing(id)
  }

  images(id: number): { scan: string | null; heatmap: string | null } | null {
    const row = this.#statements.images.get(id)
    return row ? { scan: row.has_scan ? row.sha256 : null, heatmap: row.heatmap } : null
  }

  get(id: number): Bag | null {
    return this.#rows.of([id])[0] ?? null
  }

  recent(limit: number): Bag[] {
    return this.#rows.of(this.#statements.recent.all(limit))
  }

  search(filter: BagFilter, before: number | undefined, limit: number): { bags: Bag[]; next: number | null; total: number } {
    const range = this.#idRange(filter)
    if (range === 'nothing') return { bags: [], next: null, total: 0 }
    const found = this.#all<{ id: number }>(pageQuery(filter, range, before, limit + 1)).map((row) => row.id)
    const ids = found.slice(0, limit)
    const counted = this.#all<{ n: number }>(countQuery(filter, range))[0]?.n ?? 0
    return {
      bags: this.#rows.of(ids),
      next: found.length > limit ? (ids.at(-1) ?? null) : null,
      total: Math.min(counted, TOTAL_CAP),
    }
  }

  history(id: number): HistoryEntry[] {
    const bag = this.get(id)
    if (!bag) return []
    const received = { lane: bag.lane, path: bag.path, sha256: bag.sha256 }
    const entries: HistoryEntry[] = [{ at: bag.receivedAt, person: null, action: 'received', detail: received }]
    if (bag.screenedAt !== null) {
      const { verdict, reason, model, policy, provider } = bag
      entries.push({ at: bag.screenedAt, person: null, action: 'screened', detail: { verdict, reason, model, policy, provider } })
    }
    for (const { at, person, action, detail } of this.audit.of(`bag:${id}`)) entries.push({ at, person, action, detail })
    return entries
  }

  decide(id: number, decision: Decision): Bag {
    const at = Math.round(decision.at)
    const { action, person, reason, seconds } = wellFormed(decision)
    this.chain.write((bind) => {
      const detail = { action, reason, seconds }
      const seq = this.audit.add({ at, person, action: 'decide', subject: `bag:${id}`, detail }, bind)
      const { lastInsertRowid } = this.#statements.decide.run(id, action, person, reason, at, seconds, seq)
      this.#statements.showDecision.run(lastInsertRowid, action, id)
      bind(KIND.decision, Number(lastInsertRowid))
    })
    return this.#existing(id)
  }

  review(id: number, outcome: Outcome): Bag {
    const at = Math.round(outcome.at)
    const { kind, found, comment, person } = wellFormed(outcome)
    this.chain.write((bind) => {
      const detail = { kind, found, comment }
      const seq = this.audit.add({ at, person, action: 'review', subject: `bag:${id}`, detail }, bind)
      const { lastInsertRowid } = this.#statements.review.run(id, kind, comment, person, at, seq)
      for (const [n, { class: name, where }] of found.entries()) {
        const { width, height } = where?.shape === 'box' ? where : { width: null, height: null }
        this.#statements.finding.run(lastInsertRowid, name, n, where?.x ?? null, where?.y ?? null, width, height)
      }
      this.#statements.showOutcome.run(lastInsertRowid, kind, id)
      bind(KIND.outcome, Number(lastInsertRowid))
    })
    return this.#existing(id)
  }

  countSince(from: number): StationStatus['today'] {
    const counts = { bags: 0, alarms: 0, advisories: 0, unscreenable: 0 }
    for (const { verdict, n } of this.#statements.countSince.all(from)) {
      counts.bags += n
      if (verdict === 'alarm') counts.alarms = n
      if (verdict === 'advisory') counts.advisories = n
      if (verdict === 'unscreenable') counts.unscreenable = n
    }
    return counts
  }

  lastScores(limit: number): ScoredBag[] {
    const rows = this.#statements.lastScores.all(limit)
    const reviewed = rows.filter((row) => row.outcome !== null).map((row) => row.id)
    const outcomes = new Map(this.#rows.of(reviewed).map((bag) => [bag.id, bag.outcome]))
    return rows.map((row) => {
      const { id, screened_at: screenedAt, verdict, model, gun, knife, wrench, pliers, scissors } = row
      const tiers = mapClasses((c) => row[`${c}_tier`])
      const fused = { gun, knife, wrench, pliers, scissors }
      return {
        id,
        model,
        screenedAt,
        fused,
        tiers,
        verdict,
        statistics: statisticsOf(row),
        outcome: outcomes.get(id) ?? null,
      }
    })
  }

  #existing(id: number): Bag {
    const bag = this.get(id)
    if (!bag) throw new Error(`There is no bag ${id}.`)
    return bag
  }

  /** The ids that a time filter leaves, from the time index; bags may be out of order there when a clock was set back. */
  #idRange({ from, to }: BagFilter): IdRange | null | 'nothing' {
    if (from === undefined && to === undefined) return null
    const row = this.#statements.idRange.get(from ?? Number.MIN_SAFE_INTEGER, to ?? Number.MAX_SAFE_INTEGER)
    return row && row.low !== null && row.high !== null ? { low: row.low, high: row.high } : 'nothing'
  }

  #all<Row>({ sql, values }: Query): Row[] {
    let statement = this.#searches.get(sql)
    if (!statement) {
      statement = this.db.prepare(sql)
      this.#searches.set(sql, statement)
    }
    return statement.all(...values) as Row[]
  }
}

function statisticsOf(row: ScoredRow): ImageStatistics | null {
  const { brightness, background, aspect, bag_share: bagShare } = row
  return brightness === null || background === null || aspect === null || bagShare === null
    ? null
    : { brightness, background, aspect, bagShare }
}

function prepare(db: Db) {
  return {
    find: db.prepare<[string, string, string], number>('SELECT id FROM bags WHERE lane = ? AND path = ? AND content = ?').pluck(),
    gone: db.prepare<[string], number>('SELECT id FROM bags WHERE sha256 = ? AND has_scan = 0 ORDER BY id').pluck(),
    keptAgain: db.prepare<[number]>('UPDATE bags SET has_scan = 1 WHERE id = ?'),
    receive: db.prepare<[string, string, string, string | null, number, number]>(
      'INSERT INTO bags (lane, path, content, sha256, received_at, has_scan) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    unfinished: db.prepare<[], number>('SELECT id FROM bags WHERE verdict IS NULL ORDER BY id').pluck(),
    finish: db.prepare<[Record<string, string | number | null>]>(`
      UPDATE bags SET verdict = @verdict, reason = @reason, width = @width, height = @height, model = @model, policy = @policy,
        provider = @provider, heatmap = @heatmap, screened_at = @screenedAt, ms_decode = @decode, ms_infer = @infer, ms_total = @total,
        brightness = @brightness, background = @background, aspect = @aspect, bag_share = @bagShare, on_scan = @onScan
      WHERE id = @id AND verdict IS NULL`),
    verdict: db.prepare<[number], Verdict | null>('SELECT verdict FROM bags WHERE id = ?').pluck(),
    score: db.prepare<[number, string, string, number, number, string, number, number]>(
      'INSERT INTO class_scores (bag_id, class, logits, fused, posterior, tier, peak_x, peak_y) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    images: db.prepare<[number], { sha256: string | null; has_scan: number; heatmap: string | null }>(
      'SELECT sha256, has_scan, heatmap FROM bags WHERE id = ?',
    ),
    recent: db.prepare<[number], number>('SELECT id FROM bags ORDER BY id DESC LIMIT ?').pluck(),
    decide: db.prepare<[number, string, string, string | null, number, number | null, number]>(
      'INSERT INTO decisions (bag_id, action, person, reason, at, seconds, audit) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    showDecision: db.prepare<[number | bigint, string, number]>('UPDATE bags SET decision = ?, decision_action = ? WHERE id = ?'),
    review: db.prepare<[number, string, string | null, string, number, number]>(
      'INSERT INTO outcomes (bag_id, kind, comment, person, at, audit) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    finding: db.prepare<[number | bigint, string, number, ...(number | null)[]]>(
      'INSERT INTO findings (outcome_id, class, n, x, y, width, height) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    showOutcome: db.prepare<[number | bigint, string, number]>('UPDATE bags SET outcome = ?, outcome_kind = ? WHERE id = ?'),
    countSince: db.prepare<[number], { verdict: Verdict | null; n: number }>(
      // the plus keeps SQLite from walking the whole index by verdict: this reads the time index from `from` on, and nothing else
      'SELECT verdict, count(*) AS n FROM bags WHERE received_at >= ? GROUP BY +verdict',
    ),
    idRange: db.prepare<[number, number], { low: number | null; high: number | null }>(
      'SELECT min(id) AS low, max(id) AS high FROM bags WHERE received_at >= ? AND received_at < ?',
    ),
    // a join a class, each by its key (CROSS keeps the order: bags first)
    lastScores: db.prepare<[number], ScoredRow>(`
      SELECT b.id, b.screened_at, b.verdict, b.model, b.brightness, b.background, b.aspect, b.bag_share, b.outcome,
        ${THREAT_CLASSES.map((c) => `${c}.fused AS ${c}, ${c}.tier AS ${c}_tier`).join(', ')}
      FROM (SELECT * FROM bags WHERE verdict IN ('clear', 'advisory', 'alarm') ORDER BY id DESC LIMIT ?) b
      ${THREAT_CLASSES.map((c) => `CROSS JOIN class_scores ${c} ON ${c}.bag_id = b.id AND ${c}.class = '${c}'`).join('\n      ')}
      ORDER BY b.id DESC`),
  }
}
