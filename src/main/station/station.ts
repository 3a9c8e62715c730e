// The station: takes scans from the feeds, has each screened once, judges it, writes it down, and tells everyone.
//
// The order is the promise: bytes in the archive, then a row (`received`), then inference, then the one verdict. Whatever throws on the way
// makes the bag unscreenable, with the reason; what a kill leaves behind is received and finished at the next start.
import { createHash } from 'node:crypto'
import { mapClasses } from '../../shared/classes'
import type { Bag } from '../../shared/bag'
import type { StationStatus } from '../../shared/status'
import { Events } from './events'
import { Unlogged } from './unlogged'
import { Images } from './images'
import { decide, review } from './decisions'
import { policyForModel } from './policy-start'
import type { ArrivedScan, ContentKey, ScreenedRecord, Submit } from './ports'
import { plainReason } from './reasons'
import { screen, unscreenable } from './screening'
import { StatusDesk } from './status'
import { Troubles } from './troubles'
import { makeAlarms } from './alarms'
import { NotFound, Refused, type Station, type StationOptions } from './types'

export { NotFound, Refused, type Station, type StationOptions } from './types'

/** Bags handed to inference at a time: one at work, one decoded and ready behind it. */
const IN_HAND = 2
/** Bags whose bytes stay in memory while they wait; the rest are read from the archive again. */
const BYTES_WAITING = 8
const KEEP_CLEAR = 200
const QUEUE_LIMIT = 64
/** Clear bags between two times of letting old scans go. */
const LET_GO_EVERY = 20
const STATUS_EVERY_MS = 1000
const HEARTBEAT_MS = 5000

interface Waiting {
  id: number
  sha256: string
  bytes: Uint8Array | null
}

export function createStation(options: StationOptions): Station {
  const { log, archive, policies, inference, clock } = options
  const say = options.say ?? (() => undefined)
  const keepClear = options.keepClear ?? KEEP_CLEAR
  const queueLimit = options.queueLimit ?? QUEUE_LIMIT

  const events = new Events()
  const images = new Images(log, archive, options.renditions)
  const desk = new StatusDesk(options)
  const alarms = makeAlarms({ ...options, announce })
  const unlogged = new Unlogged()
  const troubles = new Troubles(() => void tellStatus(), say)
  const startedAt = clock.now()
  const queue: Waiting[] = []
  /** feeds held back, and callers of `idle` */
  let roomWaiters: (() => void)[] = []
  let idleWaiters: (() => void)[] = []
  let inHand = 0
  /** settled once the bag before has been handed to inference */
  let askedBefore: Promise<void> = Promise.resolve()
  let running = false
  let stopping = false
  let clearSinceLetGo = 0
  let lettingGo: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  let offStatus: () => void = () => undefined
  let toldAt = -Infinity
  let toldStatus = ''

  const shown = (bag: Bag): Bag => {
    const seen = unlogged.overlay(bag)
    return seen.hasHeatmap || !images.hasHeatmap(seen.id) ? seen : { ...seen, hasHeatmap: true }
  }
  const tell = (bag: Bag): void => events.emit({ type: 'bag', bag: shown(bag) })

  /** Tells of a bag as it is in the log. Telling is no step on a bag's way: a log that can't be read here stops nothing. */
  const tellStored = (id: number): void => {
    try {
      const bag = log.get(id)
      if (bag) tell(bag)
    } catch (error) {
      say(`bag ${id}: ${plainReason(error)}`)
    }
  }

  // ---- taking scans

  const submit: Submit = async (scan) => {
    while (queue.length >= queueLimit && !stopping) await new Promise<void>((resolve) => roomWaiters.push(resolve))
    if (stopping) throw new Error('The station is stopping.')
    const content: ContentKey =
      'bytes' in scan.content
        ? { sha256: createHash('sha256').update(scan.content.bytes).digest('hex') }
        : { unreadable: scan.content.stamp ?? `at ${clock.now()} ${Math.random()}` }
    let why = 'bytes' in scan.content ? null : scan.content.unreadable || 'The file could not be read.'
    let kept = false
    try {
      if (log.knows(scan.lane, scan.path, content)) return 'known'
      if ('bytes' in scan.content) {
        try {
          await archive.put(scan.content.bytes, extensionOf(scan.path))
          kept = true
          troubles.over('archive')
          troubles.over('heatmap')
        } catch (error) {
          why = plainReason(error)
          troubles.raise('archive', `${why} Until this is over no bag can be screened: treat every bag as an alarm.`)
        }
      }
      const { lane, path } = scan
      const { id, isNew } = log.receive({ lane, path, content, kept, receivedAt: clock.now() })
      if (!isNew) return 'known'
      if (why === null && 'sha256' in content && 'bytes' in scan.content) {
        queue.push({ id, sha256: content.sha256, bytes: queue.length < BYTES_WAITING ? scan.content.bytes : null })
        tellStored(id)
        pump()
      } else finish(id, unscreenable(why ?? 'The scan could not be kept.', clock.now()))
    } catch (error) {
      refuseByLog(scan, content, kept, error)
    }
    return 'received'
  }

  /** The database failed before the bag had a row: the operator sees it as unscreenable, and it is written down when that works again. */
  function refuseByLog({ lane, path }: ArrivedScan, content: ContentKey, kept: boolean, error: unknown): void {
    const reason = `The bag could not be logged: ${plainReason(error)}`
    const now = clock.now()
    const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1) || path
    const bag = unlogged.arrived({ lane, path, content, kept, receivedAt: now }, unscreenable(reason, now), name)
    troubles.raise('log', `The log cannot be written: ${plainReason(error)} Treat every bag as an alarm.`)
    tell(bag)
  }

  // ---- screening

  function pump(): void {
    while (running && !stopping && inHand < IN_HAND) {
      const next = queue.shift()
      if (!next) break
      inHand += 1
      void work(next)
        .catch((error: unknown) => finish(next.id, unscreenable(plainReason(error), clock.now())))
        .finally(() => {
          inHand -= 1
          pump()
        })
    }
    const waiters = queue.length < queueLimit || stopping ? roomWaiters : []
    if (waiters.length > 0) {
      roomWaiters = []
      for (const wake of waiters) wake()
    }
    if (inHand === 0 && (queue.length === 0 || stopping)) {
      const resting = idleWaiters
      idleWaiters = []
      for (const wake of resting) wake()
    }
  }

  async function work({ id, sha256, bytes }: Waiting): Promise<void> {
    // reading may take its time, but nobody is overtaken: the next bag is asked about after this one
    const before = askedBefore
    let asked: () => void = () => undefined
    askedBefore = new Promise((resolve) => (asked = resolve))
    let screening: ReturnType<typeof screen>
    try {
      const content = bytes ?? (await archive.get(sha256))
      await before
      if (!content) {
        finish(id, unscreenable('The scan is no longer in the archive.', clock.now()))
        return
      }
      screening = screen(
        content,
        options,
        () => clock.now(),
        () => stopping,
      )
    } finally {
      asked()
    }
    const screened = await screening
    if (!screened) return
    const { record, heatmap } = screened
    if (heatmap) images.keepHeatmap(id, heatmap)
    if (record.ms) desk.took(record.ms.total)
    finish(id, { ...record, heatmap: heatmap && record.verdict !== 'clear' ? await keep(heatmap) : null })
    if (record.verdict === 'clear') letGoSometimes()
  }

  /** A flagged bag's heatmap goes to the archive. An alarm without its heatmap is still an alarm. */
  async function keep(heatmap: Uint8Array): Promise<string | null> {
    try {
      return await archive.put(heatmap, 'png')
    } catch (error) {
      troubles.raise('heatmap', `A heatmap could not be kept: ${plainReason(error)}`)
      return null
    }
  }

  /** Writes the verdict down; never throws. What cannot be written becomes unscreenable, on the screen at least. */
  function finish(id: number, record: ScreenedRecord): void {
    try {
      const bag = log.finish(id, record)
      settle()
      learn(bag, record)
      tell(bag)
    } catch (error) {
      const reason = `The verdict could not be written down: ${plainReason(error)}`
      const fallback = unscreenable(reason, clock.now())
      try {
        tell(log.finish(id, fallback))
      } catch {
        unlogged.unwritten(id, fallback)
        troubles.raise('log', `The log cannot be written: ${plainReason(error)} Treat every bag as an alarm.`)
        tellStored(id)
      }
    }
  }

  /** What was screened is counted by drafts' replays and by drift. */
  function learn({ id, model }: Bag, { verdict, classes, statistics, screenedAt }: ScreenedRecord): void {
    if (!classes) return
    const fused = mapClasses((c) => classes[c].fused)
    alarms.saw({ id, screenedAt, verdict, model, statistics, fused, tiers: mapClasses((c) => classes[c].tier), outcome: null })
  }

  /** The log works: writes down what it refused before. */
  function settle(): void {
    if (unlogged.empty) {
      troubles.over('log')
      return
    }
    try {
      for (const bag of unlogged.write(log)) tell(bag)
      troubles.over('log')
    } catch {
      // tried again at the next bag or tick
    }
  }

  function letGoSometimes(): void {
    clearSinceLetGo += 1
    if (clearSinceLetGo >= LET_GO_EVERY) letGo()
  }
  function letGo(): void {
    clearSinceLetGo = 0
    lettingGo ??= archive
      .letGo(keepClear)
      .then(() => troubles.over('let-go'))
      .catch((error: unknown) => troubles.raise('let-go', `Old scans cannot be removed: ${plainReason(error)}`))
      .finally(() => (lettingGo = null))
  }

  // ---- telling

  /** A person has chosen a policy, so the word about a changed model has been heard. */
  function announce(version: number): void {
    troubles.over('policy')
    events.emit({ type: 'policy', version })
  }

  const status = (): Promise<StationStatus> =>
    desk.status({ startedAt, backlog: queue.length + inHand, troubles: troubles.list(), drift: alarms.driftState() })

  async function tellStatus(): Promise<void> {
    if (events.audience === 0) return
    let now: StationStatus
    try {
      now = await status()
    } catch (error) {
      say(`status: ${plainReason(error)}`)
      return
    }
    const comparable = JSON.stringify({
      ...now,
      now: 0,
      disk: now.disk && { ...now.disk, freeBytes: Math.floor(now.disk.freeBytes / 2 ** 26) },
    })
    if (comparable === toldStatus && now.now - toldAt < HEARTBEAT_MS) return
    toldStatus = comparable
    toldAt = now.now
    events.emit({ type: 'status', status: now })
  }

  // ---- starting and stopping

  async function start(): Promise<void> {
    if (running) return
    const untuned = await alarms.start()
    if (untuned !== null) troubles.raise('alarms', untuned)
    const changed = policyForModel(policies, inference.manifest, clock.now(), (policy) => alarms.promised(policy))
    if (changed) troubles.raise('policy', changed)
    for (const bag of log.unfinished()) {
      if (bag.sha256 === null || !bag.hasScan)
        finish(
          bag.id,
          unscreenable(bag.sha256 === null ? 'The file could not be read.' : 'The scan could not be kept.', clock.now()),
        )
      else queue.push({ id: bag.id, sha256: bag.sha256, bytes: null })
    }
    checkAudit()
    running = true
    offStatus = inference.onStatus(() => void tellStatus())
    timer = setInterval(() => {
      if (!unlogged.empty) settle()
      void tellStatus()
    }, STATUS_EVERY_MS)
    timer.unref()
    letGo()
    pump()
  }

  /** Decisions are evidence: a changed audit is said at once, and does not stop the lane. */
  function checkAudit(): void {
    try {
      const found = options.verifyAudit?.()
      if (found && !found.ok) troubles.raise('audit', `The audit was tampered with: row ${found.brokenAt}, ${found.why}.`)
    } catch (error) {
      troubles.raise('audit', `The audit cannot be checked: ${plainReason(error)}`)
    }
  }

  async function stop(): Promise<void> {
    if (stopping) return
    stopping = true
    if (timer) clearInterval(timer)
    offStatus()
    pump()
    if (inHand > 0) await new Promise<void>((resolve) => idleWaiters.push(resolve))
    await lettingGo
    alarms.stop()
    events.close()
  }

  // ---- asking and deciding

  const get = (id: number): Bag => {
    const bag = unlogged.get(id) ?? log.get(unlogged.idOf(id))
    if (!bag) throw new NotFound(`There is no bag ${id}.`)
    return shown(bag)
  }
  /** A bag that people may act on: it must have a row, or their decision could not be kept. */
  const written = (id: number): number => {
    if (unlogged.get(id))
      throw new Refused('This bag could not be logged yet, so no decision on it can be kept. Inspect it by hand.')
    return unlogged.idOf(id)
  }
  const changed = (bag: Bag): Bag => {
    tell(bag)
    return shown(bag)
  }

  return {
    options,
    alarms,
    submit,
    start,
    stop,
    idle: () =>
      inHand === 0 && queue.length === 0 ? Promise.resolve() : new Promise<void>((resolve) => idleWaiters.push(resolve)),
    images,
    status,
    events: (signal) => events.subscribe(async () => ({ type: 'status', status: await status() }), signal),
    recent: (limit) => [...unlogged.bags(), ...log.recent(limit).map(shown)].slice(0, limit),
    get,
    search: (filter, before, limit) => {
      const page = log.search(filter, before, limit)
      return { ...page, bags: page.bags.map(shown) }
    },
    history: (id) => log.history(get(id).id),
    decide: (input) => changed(decide(log, { ...input, id: written(input.id) }, clock.now())),
    review: (input) => {
      const bag = review(log, { ...input, id: written(input.id) }, clock.now())
      alarms.reviewed()
      return changed(bag)
    },
  }
}

/** A file's extension in lower case, for the archive. */
function extensionOf(path: string): string {
  return /\.([A-Za-z0-9]{1,8})$/.exec(path)?.[1]?.toLowerCase() ?? 'bin'
}
