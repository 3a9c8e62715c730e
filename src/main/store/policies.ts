// The policy book: alarm policies and calibrations, versioned and never changed, each entered in the audit, bound by the chain and signed.
import { calibration as calibrationSchema, policy as policySchema, type Calibration, type Policy } from '../../shared/policy'
import { PolicyRefused, type PolicyBook } from '../station/ports'
import type { Audit } from './audit'
import type { Bind, Chain } from './chain'
import type { Db } from './database'
import { KIND } from './records'
import type { Seals } from './seals'

interface Stored {
  version: number
  document: string
}

export class SqlitePolicyBook implements PolicyBook {
  readonly #policies
  readonly #calibrations

  constructor(
    db: Db,
    private readonly audit: Audit,
    private readonly chain: Chain,
    seals: Seals,
  ) {
    this.#policies = new Versions(db, 'policies', chain, seals, (value) => policySchema.parse(value))
    this.#calibrations = new Versions(db, 'calibrations', chain, seals, (value) => calibrationSchema.parse(value))
  }

  isEmpty(): boolean {
    return this.#policies.newest() === 0
  }

  current(): Policy {
    const version = this.#policies.newest()
    if (version === 0) throw new Error('There is no alarm policy yet.')
    const policy = this.#policies.get(version)
    if (!policy) throw new PolicyRefused(version, `Alarm policy ${version} is not the one that was entered in the record`)
    if (!this.#calibrations.get(policy.calibration))
      throw new PolicyRefused(
        version,
        `Calibration ${policy.calibration} of alarm policy ${version} is not the one that was entered in the record`,
      )
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
    return this.chain.write((bind) => {
      if (!this.#calibrations.get(calibration)) throw new Error(`There is no calibration ${calibration} for this policy.`)
      const saved = this.#policies.add(policy, bind)
      const thresholds = Object.fromEntries(
        Object.entries(saved.classes).map(([c, p]) => [c, { advisory: p.advisory.threshold, alarm: p.alarm.threshold }]),
      )
      const detail = { version: saved.version, reason, calibration, model, thresholds }
      this.audit.add({ at: createdAt, person: author, action: 'policy', subject: `policy:${saved.version}`, detail }, bind)
      return saved
    })
  }

  calibration(version: number): Calibration | null {
    return this.#calibrations.get(version)
  }

  currentCalibration(): Calibration {
    const calibration = this.#calibrations.list()[0]
    if (!calibration) throw new Error('There is no calibration yet.')
    return calibration
  }

  saveCalibration(calibration: Omit<Calibration, 'version'>): Calibration {
    return this.chain.write((bind) => {
      const saved = this.#calibrations.add(calibration, bind)
      const { version, sample, model, author } = saved
      const detail = { version, sample, model }
      const subject = `calibration:${version}`
      this.audit.add({ at: calibration.createdAt, person: author, action: 'calibration', subject, detail }, bind)
      return saved
    })
  }
}

interface Versioned {
  version: number
  createdAt: number
  author: string
  modelSha256: string
}
type Table = 'policies' | 'calibrations'
const KINDS = { policies: KIND.policy, calibrations: KIND.calibration } as const

/** The name under which a version's seal is kept. */
export const sealOf = (table: Table, version: number): string => `${table === 'policies' ? 'policy' : 'calibration'}:${version}`

/** A table of numbered documents. They never change, so what was read and found genuine once is kept. */
class Versions<T extends Versioned> {
  readonly #kept = new Map<number, T>()
  readonly #newest
  readonly #get
  readonly #list
  readonly #insert
  /** the newest version that was ever seen genuine: versions only grow */
  #seen: number

  constructor(
    db: Db,
    private readonly table: Table,
    private readonly chain: Chain,
    private readonly seals: Seals,
    private readonly parse: (value: unknown) => T,
  ) {
    this.#newest = db.prepare<[], number | null>(`SELECT max(version) FROM ${table}`).pluck()
    this.#get = db.prepare<[number], Stored>(`SELECT version, document FROM ${table} WHERE version = ?`)
    this.#list = db.prepare<[], number>(`SELECT version FROM ${table} ORDER BY version DESC`).pluck()
    this.#insert = db.prepare<[number, number, string, string, string]>(
      `INSERT INTO ${table} (version, created_at, author, model_sha256, document) VALUES (?, ?, ?, ?, ?)`,
    )
    this.#seen = chain.head()?.[table] ?? 0
  }

  /** The newest version's number, also of one that somebody has removed; 0 where there never was one. */
  newest(): number {
    return Math.max(this.#newest.get() ?? 0, this.#seen)
  }

  /** Null where there is no such version, or where it is not the one that was signed. */
  get(version: number): T | null {
    const kept = this.#kept.get(version)
    if (kept) return kept
    const row = this.#get.get(version)
    const content = row && this.chain.records.content(KINDS[this.table], version)
    if (!row || content === null || content === undefined || !this.seals.holds(sealOf(this.table, version), content)) return null
    const value = this.parse(JSON.parse(row.document))
    if (value.version !== version) return null
    this.#kept.set(version, value)
    this.#seen = Math.max(this.#seen, version)
    return value
  }

  /** Newest first. */
  list(): T[] {
    return this.#list.all().flatMap((version) => this.get(version) ?? [])
  }

  /** Throws (zod) when the document is not a valid one. */
  add(document: Omit<T, 'version'>, bind: Bind): T {
    const version = this.newest() + 1
    const value = this.parse({ ...document, version })
    this.#insert.run(version, Math.round(value.createdAt), value.author, value.modelSha256, JSON.stringify(value))
    this.seals.put(sealOf(this.table, version), this.chain.records.content(KINDS[this.table], version) ?? '')
    bind(KINDS[this.table], version)
    return value
  }
}
