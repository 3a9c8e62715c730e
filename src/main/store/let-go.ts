// Which archived scans may be let go: those that only clear, unremarked bags beyond the newest ones still hold.
import type { Chain } from './chain'
import type { Db } from './database'
import { KIND } from './records'

export interface LetGoSource {
  /** SHA-256 of what may go, beyond the newest `keep` clear bags. */
  candidates(keep: number): string[]
  /** Marks these as gone, before their files are removed: a crash between leaves a file too many, never a bag without its scan. */
  forget(sha256: readonly string[]): void
  /** Whether any bag's scan or heatmap is in this content. */
  needs(sha256: string): boolean
}

export class SqliteLetGo implements LetGoSource {
  readonly #candidates
  readonly #holders
  readonly #forget
  readonly #needs
  readonly #knows

  constructor(
    db: Db,
    private readonly chain: Chain,
  ) {
    this.#candidates = db
      .prepare<{ keep: number }, string>(
        `WITH cut AS (SELECT id FROM bags WHERE verdict = 'clear' AND has_scan = 1 ORDER BY id DESC LIMIT 1 OFFSET @keep)
         SELECT DISTINCT b.sha256 FROM bags b
         WHERE b.verdict = 'clear' AND b.has_scan = 1 AND b.id <= (SELECT id FROM cut) AND b.sha256 IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM bags o WHERE o.sha256 = b.sha256 AND (
             o.verdict IS NULL OR o.verdict <> 'clear' OR o.decision_action IN ('search', 'hold') OR o.outcome IS NOT NULL
             OR o.id > (SELECT id FROM cut)))
           AND NOT EXISTS (SELECT 1 FROM bags h WHERE h.heatmap = b.sha256)`,
      )
      .pluck()
    this.#holders = db
      .prepare<[string], number>(
        'SELECT id FROM bags WHERE has_scan = 1 AND sha256 IN (SELECT value FROM json_each(?)) ORDER BY id',
      )
      .pluck()
    this.#needs = db
      .prepare<{ sha256: string }, number>(
        'SELECT 1 FROM bags WHERE sha256 = @sha256 AND has_scan = 1 UNION ALL SELECT 1 FROM bags WHERE heatmap = @sha256 LIMIT 1',
      )
      .pluck()
    this.#knows = db.prepare<[string], number>('SELECT 1 FROM bags WHERE sha256 = ? LIMIT 1').pluck()
    this.#forget = db.prepare<[number]>('UPDATE bags SET has_scan = 0 WHERE id = ?')
  }

  candidates(keep: number): string[] {
    return this.#candidates.all({ keep })
  }

  needs(sha256: string): boolean {
    return this.#needs.get({ sha256 }) !== undefined
  }

  /** Whether a content has a row, whatever became of its bytes. */
  knows(sha256: string): boolean {
    return this.#knows.get(sha256) !== undefined
  }

  forget(sha256: readonly string[]): void {
    this.chain.write((bind) => {
      for (const id of this.#holders.all(JSON.stringify(sha256))) {
        this.#forget.run(id)
        bind(KIND.letGo, id)
      }
    })
  }
}
