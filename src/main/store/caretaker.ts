// Looks after a data folder while the lane runs: pages, record and archive at the start, all of it once a night, and a backup every hour.
import { readFile } from 'node:fs/promises'
import type { CaredLane, Caretaker, Clock } from '../station/ports'
import { plainReason } from '../station/reasons'
import type { StationStatus } from '../../shared/status'
import type { Chore, Chores } from './chores'
import type { AuditFinding } from './verify'

const TICK_MS = 1000
const BACKUP_EVERY_MS = 3_600_000
const FIRST_BACKUP_MS = 60_000
/** The hour of the night, local, at which everything is looked at. */
const NIGHT = 3
/** A scan without a row is its feed's to bring again; once the lane has been quiet for so long, or ran for so much, it becomes a bag. */
const QUIET_MS = 5000
const LONGEST_MS = 600_000
const NAMED = 10

/** What the caretaker needs of the store. */
export interface CareStage {
  clock: Clock
  /** does a chore, in a thread of its own where there is one */
  chore<C extends Chore>(chore: C, upTo?: number): Promise<Chores[C]>
  /** gives up chores that are not done */
  stop(): Promise<void>
  head(): { links: number; hash: string } | null
  /** newest bag */
  newest(): number
  /** what was found while the record was opened and written */
  findings: readonly string[]
  /** what the database's reading and writing has shown of damage; null: nothing */
  damage(): string | null
  /** page damage found at opening already; null where the pages have not been looked at */
  pages: string[] | null
  tidy(look: { parts: readonly string[]; leftovers: readonly string[] }): Promise<number>
  /** whether a content has a row by now */
  known(sha256: string): boolean
}

export class StoreCaretaker implements Caretaker {
  #lane: CaredLane | null = null
  #timer: NodeJS.Timeout | null = null
  #work: Promise<void> = Promise.resolve()
  #checkedAt: number | null = null
  #found: AuditFinding | null = null
  #orphans: { sha256: string; file: string }[] = []
  #pages: string[] = []
  #startedAt = 0
  #quietSince: number | null = null
  #backupAt = 0
  #night = ''
  #stopping = false

  constructor(private readonly stage: CareStage) {}

  head(): StationStatus['record'] {
    const head = this.stage.head()
    return head && { ...head, checkedAt: this.#checkedAt }
  }

  start(lane: CaredLane): void {
    this.#lane = lane
    this.#startedAt = performance.now()
    this.#backupAt = this.#startedAt + FIRST_BACKUP_MS
    this.#night = this.#today()
    this.#pages = this.stage.pages ?? []
    const upTo = this.stage.newest()
    if (this.stage.pages === null) this.#do(() => this.#lookAtPages())
    this.#do(async () => lane.finish(await this.stage.chore('unfinished', upTo)))
    this.#do(() => this.#lookThroughArchive())
    this.#do(() => this.#lookAtRecord())
    this.#tell()
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#timer) clearInterval(this.#timer)
    await this.stage.stop()
    await this.#work
  }

  /** Resolves when what is to be done now is done. */
  rest(): Promise<void> {
    return this.#work
  }

  /** One chore after the other; one that fails is told, and the next goes on. */
  #do(work: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#stopping) return
      try {
        await work()
      } catch (error) {
        this.#failed(error)
      }
    })
  }

  /** What was given up because the station stops is no trouble. */
  #failed(error: unknown): void {
    if (!this.#stopping) this.#lane?.raise('audit', `The record cannot be checked: ${plainReason(error)}`)
  }

  #tick(): void {
    this.#tell()
    const now = performance.now()
    this.#quietSince = this.#lane?.quiet() === true ? (this.#quietSince ?? now) : null
    const quietFor = this.#quietSince === null ? 0 : now - this.#quietSince
    if (this.#orphans.length > 0 && (quietFor >= QUIET_MS || now - this.#startedAt >= LONGEST_MS)) {
      const orphans = this.#orphans.splice(0)
      this.#do(() => this.#recover(orphans))
    }
    if (now >= this.#backupAt) {
      this.#backupAt = now + BACKUP_EVERY_MS
      this.#do(() => this.#backUp())
    }
    if (this.#today() !== this.#night) {
      this.#night = this.#today()
      this.#do(() => this.#lookAtPages())
      this.#do(() => this.#lookAtRecord())
    }
  }

  /** The day that began at the last hour of the night. */
  #today(): string {
    return new Date(this.stage.clock.now() - NIGHT * 3_600_000).toDateString()
  }

  #tell(): void {
    const { findings } = this.stage
    const lane = this.#lane
    if (!lane) return
    const record = [
      ...new Set(findings),
      ...(this.#found?.ok === false ? [`The record is not whole: ${this.#found.why}. See: npx lanescope audit.`] : []),
    ]
    if (record.length > 0) lane.raise('audit', record.join(' '))
    const broken = this.stage.damage() ?? this.#pages[0] ?? null
    if (broken !== null)
      lane.raise(
        'database',
        `The database is damaged: ${broken.replace(/\.$/, '')}. Treat every bag as an alarm, stop the station and run: npx lanescope restore.`,
      )
  }

  async #lookAtPages(): Promise<void> {
    this.#pages = await this.stage.chore('pages')
    this.#tell()
  }

  async #lookAtRecord(): Promise<void> {
    this.#found = await this.stage.chore('record')
    this.#checkedAt = this.#found.ok ? this.stage.clock.now() : null
    this.#tell()
  }

  async #lookThroughArchive(): Promise<void> {
    const { orphans, missing, parts, leftovers } = await this.stage.chore('archive')
    this.#orphans = orphans
    await this.stage.tidy({ parts, leftovers })
    if (missing.length === 0) this.#lane?.over('missing')
    else {
      const named = missing.slice(0, NAMED).join(', ') + (missing.length > NAMED ? ' …' : '')
      const many = missing.length === 1 ? 'The pictures of bag' : `The pictures of ${missing.length} bags are`
      this.#lane?.raise(
        'missing',
        missing.length === 1
          ? `${many} ${named} are missing from the archive.`
          : `${many} missing from the archive: bags ${named}.`,
      )
    }
  }

  /** Scans that were kept and got no row, e.g. because the power went between the two. */
  async #recover(orphans: readonly { sha256: string; file: string }[]): Promise<void> {
    for (const { sha256, file } of orphans) {
      if (this.#stopping || this.stage.known(sha256)) continue
      const bytes = await readFile(file).catch(() => null)
      if (bytes) await this.#lane?.submit({ lane: 'recovered', path: file, content: { bytes } })
    }
  }

  async #backUp(): Promise<void> {
    try {
      await this.stage.chore('backup')
      this.#lane?.over('backup')
    } catch (error) {
      this.#lane?.raise('backup', `The database could not be backed up: ${plainReason(error)}`)
    }
  }
}
