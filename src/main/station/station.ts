// The station: builds the stages of a bag's way, starts and stops them together, and answers what people ask.
//
//   intake ─▶ belt ─▶ screening (the judging room) ─▶ ledger ─▶ teller
//
// The order is the promise: bytes in the archive, then a row (`received`), then inference, then the one verdict. Whatever throws on the way
// makes the bag unscreenable, with the reason; what a kill leaves behind is received and finished at the next start.
import { modelName } from '../../domain/first-policy'
import type { Bag } from '../../shared/bag'
import { Alarms } from './alarms'
import { Belt } from './belt'
import { decide, review } from './decisions'
import { Images } from './images'
import { Intake } from './intake'
import { Ledger } from './ledger'
import { LettingGo } from './letting-go'
import { guarded, policyForModel, standIn } from './policy-start'
import type { PolicyRefused, Say } from './ports'
import { plainReason } from './reasons'
import { Screening } from './screening'
import { StatusDesk } from './status'
import { Teller } from './teller'
import { Troubles } from './troubles'
import type { Station, StationOptions } from './types'
import { Unlogged } from './unlogged'

const KEEP_CLEAR = 200
/** Every scan is received before it waits, so that the scanner may take its file away; what waits costs its number only. */
const QUEUE_LIMIT = 10_000
const TICK_MS = 1000

export function createStation(options: StationOptions): Station {
  const stages = makeStages(options)
  const { images, intake, belt, teller, status, alarms } = stages
  return {
    alarms,
    images,
    submit: (scan) => intake.submit(scan),
    ...running(options, stages),
    idle: () => belt.rest(),
    status: () => status.status(),
    events: (signal) => teller.events(signal),
    ...asking(options, stages),
  }
}

type Stages = ReturnType<typeof makeStages>

/** The stages, each given what it needs of those behind it. */
function makeStages(options: StationOptions) {
  const { log, archive, inference, clock } = options
  const say: Say = options.say ?? (() => undefined)
  const images = new Images(log, archive, options.renditions, modelName(inference.manifest))
  const unlogged = new Unlogged()
  const teller = new Teller({ log, images, unlogged, status: () => status.status(), say })
  const troubles = new Troubles(() => void teller.tellStatus(), say)
  const lettingGo = new LettingGo(archive, options.keepClear ?? KEEP_CLEAR, troubles)
  const policies = guarded(options.policies, (refused: PolicyRefused) => {
    const made = standIn(options.policies, inference.manifest, clock.now(), refused, (policy) => alarms.promised(policy))
    const now = `Policy ${made.version}, with the thresholds that came with the model, stands in.`
    troubles.raise(
      'forged',
      `${refused.message} ${now} Check the thresholds on the Alarms screen, and the record: npx lanescope audit.`,
    )
    teller.tellPolicy(made.version)
    return made
  })
  const alarms = new Alarms({
    ...options,
    policies,
    say,
    announce: (version) => {
      // a person has chosen a policy, so the word about a changed model has been heard
      troubles.over('policy')
      troubles.over('forged')
      say(`policy ${version} is in force`)
      teller.tellPolicy(version)
    },
  })
  const ledger = new Ledger({
    log,
    clock,
    unlogged,
    troubles,
    teller,
    say,
    scored: (bag) => alarms.saw(bag),
    clear: () => lettingGo.clear(),
  })
  const screening = new Screening({
    inference,
    policies,
    clock,
    archive,
    troubles,
    finish: (id, record) => ledger.finish(id, record),
    keepHeatmap: (id, sheet) => images.keepHeatmap(id, sheet),
    keepThumbnail: (id, picture) => images.keepThumbnail(id, picture),
    took: (ms) => status.took(ms),
  })
  const belt = new Belt(options.queueLimit ?? QUEUE_LIMIT, inference.atOnce ?? 1, (bag, stopping) =>
    screening.work(bag, stopping),
  )
  const status = new StatusDesk({
    ...options,
    policies,
    record: () => options.caretaker?.head() ?? null,
    lanes: () => options.lanes?.() ?? [],
    backlog: () => belt.backlog,
    troubles: () => troubles.list(),
    drift: () => alarms.driftState(),
  })
  const intake = new Intake({ log, archive, clock, belt, ledger, troubles, tellStored: (id) => teller.tellStored(id) })
  return { policies, images, unlogged, teller, troubles, lettingGo, alarms, ledger, belt, status, intake }
}

function running(options: StationOptions, stages: Stages): Pick<Station, 'start' | 'stop'> {
  const { inference, clock, caretaker } = options
  const { policies, intake, unlogged, teller, troubles, lettingGo, alarms, ledger, belt } = stages
  let state: 'new' | 'running' | 'stopped' = 'new'
  let timer: NodeJS.Timeout | undefined
  let offStatus: () => void = () => undefined
  return {
    async start() {
      if (state !== 'new') return
      state = 'running'
      const unset = await alarms.start()
      if (unset !== null) troubles.raise('alarms', unset)
      const changed = policyForModel(policies, inference.manifest, clock.now(), (policy) => alarms.promised(policy))
      if (changed) troubles.raise('policy', changed)
      for (const { id, sha256 } of ledger.unfinished()) belt.put({ id, sha256, bytes: null })
      checkAudit(options, troubles)
      offStatus = inference.onStatus(() => void teller.tellStatus())
      timer = setInterval(() => {
        if (!unlogged.empty) ledger.settle()
        void teller.tellStatus()
      }, TICK_MS)
      timer.unref()
      lettingGo.now()
      belt.start()
      caretaker?.start({
        raise: (kind, words) => troubles.raise(kind, words),
        over: (kind) => troubles.over(kind),
        quiet: () => belt.backlog === 0,
        submit: (scan) => intake.submit(scan),
        finish: (ids) => {
          for (const { id, sha256 } of ledger.unfinished(ids)) belt.put({ id, sha256, bytes: null })
        },
      })
    },
    async stop() {
      if (state === 'stopped') return
      state = 'stopped'
      clearInterval(timer)
      offStatus()
      // together: the caretaker may be waiting for room on a full belt
      await Promise.all([caretaker?.stop(), belt.stop()])
      await lettingGo.rest()
      alarms.stop()
      teller.close()
    },
  }
}

/** Decisions are evidence: a changed audit is said at once, and does not stop the lane. */
function checkAudit({ verifyAudit }: StationOptions, troubles: Troubles): void {
  try {
    const found = verifyAudit?.()
    if (found && !found.ok) troubles.raise('audit', `The audit was tampered with: row ${found.brokenAt}, ${found.why}.`)
  } catch (error) {
    troubles.raise('audit', `The audit cannot be checked: ${plainReason(error)}`)
  }
}

type Asking = Pick<Station, 'recent' | 'get' | 'search' | 'history' | 'decide' | 'review'>

function asking({ log, clock }: StationOptions, { ledger, teller, alarms }: Stages): Asking {
  const shown = (bag: Bag): Bag => teller.shown(bag)
  return {
    recent: (limit) => ledger.recent(limit).map(shown),
    get: (id) => shown(ledger.get(id)),
    search: (filter, before, limit) => {
      const page = log.search(filter, before, limit)
      return { ...page, bags: page.bags.map(shown) }
    },
    history: (id) => log.history(ledger.get(id).id),
    decide: (input) => teller.tell(decide(log, { ...input, id: ledger.rowOf(input.id) }, clock.now())),
    review: (input) => {
      const bag = review(log, { ...input, id: ledger.rowOf(input.id) }, clock.now())
      alarms.reviewed()
      return teller.tell(bag)
    },
  }
}
