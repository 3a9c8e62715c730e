// The intake: a scan's bytes go to the archive and its bag gets a row (`received`) before anything else may fail.
import { createHash } from 'node:crypto'
import type { Belt } from './belt'
import { unscreenable } from './judging'
import type { Ledger } from './ledger'
import type { Archive, ArrivedScan, BagLog, Clock, ContentKey } from './ports'
import { plainReason } from './reasons'
import type { Troubles } from './troubles'

export interface IntakeStage {
  log: Pick<BagLog, 'knows' | 'receive'>
  archive: Pick<Archive, 'put'>
  clock: Clock
  belt: Pick<Belt, 'mustRun' | 'room' | 'put'>
  ledger: Pick<Ledger, 'finish' | 'refused'>
  troubles: Pick<Troubles, 'raise' | 'over'>
  /** tells of a bag as it is in the log */
  tellStored(id: number): void
}

export class Intake {
  constructor(private readonly stage: IntakeStage) {}

  /** See `Submit`. Rejects only when the station stops. A scan is received however many wait; only then is its feed held back. */
  async submit(scan: ArrivedScan): Promise<'received' | 'known'> {
    this.stage.belt.mustRun()
    const answer = await this.#receive(scan)
    if (answer === 'received') await this.stage.belt.room()
    return answer
  }

  async #receive(scan: ArrivedScan): Promise<'received' | 'known'> {
    const { log, belt, ledger, clock } = this.stage
    const { lane, path } = scan
    const content = this.#keyOf(scan)
    let kept = false
    try {
      if (log.knows(lane, path, content)) return 'known'
      const why =
        'unreadable' in scan.content ? unread(scan.content.unreadable) : await this.#keep(scan.content.bytes, path, content)
      kept = why === null
      const { id, isNew } = log.receive({ lane, path, content, kept, receivedAt: clock.now() })
      if (!isNew) return 'known'
      if (why === null && 'sha256' in content && 'bytes' in scan.content) {
        belt.put({ id, sha256: content.sha256, bytes: scan.content.bytes })
        this.stage.tellStored(id)
      } else ledger.finish(id, unscreenable(why ?? 'The scan could not be kept.', clock.now()))
    } catch (error) {
      ledger.refused({ lane, path, content, kept, receivedAt: clock.now() }, error)
    }
    return 'received'
  }

  #keyOf({ content }: ArrivedScan): ContentKey {
    if ('bytes' in content) return { sha256: content.sha256 ?? createHash('sha256').update(content.bytes).digest('hex') }
    return { unreadable: content.stamp ?? `at ${this.stage.clock.now()} ${Math.random()}` }
  }

  /** Why the bytes could not be kept, or null. */
  async #keep(bytes: Uint8Array, path: string, key: ContentKey): Promise<string | null> {
    const { archive, troubles } = this.stage
    try {
      await archive.put(bytes, extensionOf(path), 'sha256' in key ? key.sha256 : undefined)
    } catch (error) {
      const why = plainReason(error)
      troubles.raise('archive', `${why} Until this is over no bag can be screened: treat every bag as an alarm.`)
      return why
    }
    troubles.over('archive')
    troubles.over('heatmap')
    return null
  }
}

const unread = (why: string): string => why || 'The file could not be read.'

/** A file's extension in lower case, for the archive. */
function extensionOf(path: string): string {
  return /\.([A-Za-z0-9]{1,8})$/.exec(path)?.[1]?.toLowerCase() ?? 'bin'
}
