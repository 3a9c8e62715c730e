// The policy book: alarm policies and calibrations, versioned and never changed, each entered in the audit.
import { calibration as calibrationSchema, policy as policySchema, type Calibration, type Policy } from '../../shared/policy'
import type { PolicyBook } from '../station/ports'
import type { Audit } from './audit'
import type { Db } from './database'

interface Stored {
  version: number
  document: string
}

export class SqlitePolicyBook implements PolicyBook {
  readonly #policies
  readonly #calibrations

  constructor(
    private readonly db: Db,
    private readonly audit: Audit,
  ) {
    this.#policies = new Versions(db, 'policies', (value) => policySchema.parse(value))
    this.#calibrations = new Versions(db, 'calibrations', (value) => calibrationSchema.parse(value))
  }

  isEmpty(): boolean {
    return this.#policies.newest() === null
  }

  current(): Policy {
    const policy = this.#policies.newest()
    if (!policy) throw new Error('There is no alarm policy yet.')
    return policy
  }

  get(version: number): Policy | null {
    return this.#policies.get(version)
  }

  list(): Policy[] {
    return this.#policies.list()
  }

  save(policy: Omit<Policy, 'version'>): Policy {
    const { author, reason, createdAt, calibration, model } = policy
    return this.db
      .transaction(() => {
        if (!this.#calibrations.get(calibration)) throw new Error(`There is no calibration ${calibration} for this policy.`)
        const saved = this.#policies.add(policy)
        const thresholds = Object.fromEntries(
          Object.entries(saved.classes).map(([c, p]) => [c, { advisory: p.advisory.threshold, alarm: p.alarm.threshold }]),
        )
        this.audit.add({
          at: createdAt,
          person: author,
          action: 'policy',
          subject: `policy:${saved.version}`,
          detail: { version: saved.version, reason, calibration, model, thresholds },
        })
        return saved
      })
      .immediate()
  }

  calibration(version: number): Calibration | null {
    return this.#calibrations.get(version)
  }

  currentCalibration(): Calibration {
    const calibration = this.#calibrations.newest()
    if (!calibration) throw new Error('There is no calibration yet.')
    return calibration
  }

  saveCalibration(calibration: Omit<Calibration, 'version'>): Calibration {
    return this.db
      .transaction(() => {
        const saved = this.#calibrations.add(calibration)
        const { version, sample, model, author } = saved
        const detail = { version, sample, model }
        this.audit.add({
          at: calibration.createdAt,
          person: author,
          action: 'calibration',
          subject: `calibration:${version}`,
          detail,
        })
        return saved
      })
      .immediate()
  }
}

interface Versioned {
  version: number
  createdAt: number
  author: string
  modelSha256: string
}

/** A table of numbered documents. They never change, so what was read once is kept. */
class Versions<T extends Versioned> {
  readonly #kept = new Map<number, T>()
  readonly #newest
  readonly #get
  readonly #list
  readonly #insert

  constructor(
    db: Db,
    table: 'policies' | 'calibrations',
    private readonly parse: (value: unknown) => T,
  ) {
    this.#newest = db.prepare<[], number | null>(`SELECT max(version) FROM ${table}`).pluck()
    this.#get = db.prepare<[number], Stored>(`SELECT version, document FROM ${table} WHERE version = ?`)
    this.#list = db.prepare<[], number>(`SELECT version FROM ${table} ORDER BY version DESC`).pluck()
    this.#insert = db.prepare<[number, number, string, string, string]>(
      `INSERT INTO ${table} (version, created_at, author, model_sha256, document) VALUES (?, ?, ?, ?, ?)`,
    )
  }

  newest(): T | null {
    const version = this.#newest.get()
    return typeof version === 'number' ? this.get(version) : null
  }

  get(version: number): T | null {
    const kept = this.#kept.get(version)
    if (kept) return kept
    const row = this.#get.get(version)
    if (!row) return null
    const value = this.parse(JSON.parse(row.document))
    this.#kept.set(version, value)
    return value
  }

  /** Newest first. */
  list(): T[] {
    return this.#list.all().flatMap((version) => this.get(version) ?? [])
  }

  /** Throws (zod) when the document is not a valid one. */
  add(document: Omit<T, 'version'>): T {
    const version = (this.#newest.get() ?? 0) + 1
    const value = this.parse({ ...document, version })
    this.#insert.run(version, Math.round(value.createdAt), value.author, value.modelSha256, JSON.stringify(value))
    return value
  }
}
