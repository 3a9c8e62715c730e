// A station for component tests: typed by the contract, remembers what it was asked, says what the test tells it to say.
import { AsyncIteratorClass } from '@orpc/client'
import type { Bag, DecisionAction } from '../../src/shared/bag'
import { mapClasses, type PerClass, type ThreatClass, type Tier, type Verdict } from '../../src/shared/classes'
import type { StationEvent } from '../../src/shared/contract'
import type { Calibration, Policy, TierPolicy } from '../../src/shared/policy'
import type { StationStatus } from '../../src/shared/status'
import { matches } from '../../src/domain/bag-filter'
import { logOdds } from '../../src/domain/prior-shift'
import type { Client, Connection } from '../../src/renderer/state/client'

/** The client's procedures without oRPC's typed errors: what a fake has to answer. */
type Plain<T> = T extends (...rest: infer A) => PromiseLike<infer O>
  ? (...rest: A) => Promise<O>
  : { [K in keyof T]: Plain<T[K]> }
/** What the lane's screens ask; the Alarms screen has its own tests. */
type Answered = Pick<Plain<Client>, 'events' | 'status' | 'bags'> & {
  policy: Pick<Plain<Client>['policy'], 'current' | 'list' | 'get' | 'calibration'>
}

export const T0 = Date.UTC(2026, 10, 22, 14, 0, 0)

export interface BagWish extends Partial<Omit<Bag, 'classes' | 'verdict'>> {
  verdict?: Verdict | null
  tiers?: Partial<Record<ThreatClass, Tier>>
  posteriors?: Partial<Record<ThreatClass, number>>
}
export function aBag(wish: BagWish = {}): Bag {
  const { tiers = {}, posteriors = {}, verdict = 'clear', ...rest } = wish
  const id = rest.id ?? 1
  const screened = verdict !== null
  const classes =
    screened && verdict !== 'unscreenable'
      ? mapClasses((c, i) => {
          const posterior = posteriors[c] ?? (tiers[c] === 'alarm' ? 0.4 : tiers[c] === 'advisory' ? 0.02 : 0.0001 * (i + 1))
          const fused = logOdds(posterior)
          return {
            logits: [fused - 1, fused, fused + 1],
            fused,
            posterior,
            tier: tiers[c] ?? ('none' as const),
            peak: { x: 0.3 + 0.1 * i, y: 0.4 },
          }
        })
      : null
  return {
    id,
    lane: 'North',
    path: `/scans/bag-${id}.png`,
    fileName: `bag-${id}.png`,
    sha256: 'a'.repeat(64),
    receivedAt: T0 + id * 1000,
    screenedAt: screened ? T0 + id * 1000 + 150 : null,
    width: classes === null ? null : 800,
    height: classes === null ? null : 600,
    verdict,
    reason: verdict === 'unscreenable' ? 'The file ends too early.' : null,
    classes,
    model: classes === null ? null : 'chr-test@1',
    policy: classes === null ? null : 1,
    provider: classes === null ? null : 'cpu',
    ms: classes === null ? null : { decode: 10, infer: 90, total: 110 },
    decision: null,
    outcome: null,
    hasScan: true,
    hasHeatmap: false,
    ...rest,
  }
}

export const aStatus = (change: Partial<StationStatus> = {}): StationStatus => ({
  now: T0,
  place: { timeZone: 'UTC', locale: 'en-GB' },
  startedAt: T0 - 3_600_000,
  lanes: [{ name: 'North', kind: 'folder', path: '/scans', state: 'live', message: null, seen: 12, lastScanAt: T0 }],
  inference: {
    state: 'ready',
    provider: 'cpu',
    providerNote: 'No CUDA on this machine.',
    model: 'chr-test@1',
    restarts: 0,
    message: null,
  },
  backlog: 0,
  msPerBag: 110,
  today: { bags: 1284, alarms: 4, advisories: 31, unscreenable: 1 },
  policy: 1,
  record: { links: 2571, hash: '3fa9c1'.padEnd(64, '0'), checkedAt: 1 },
  alarmRate: { lastHour: 3.1, bags: 311, promisedPer1000: 4 },
  disk: { freeBytes: 80e9, totalBytes: 250e9, low: false },
  troubles: [],
  drift: 'steady',
  ...change,
})

const at = (posterior: number): TierPolicy => ({ threshold: logOdds(posterior), setBy: { kind: 'manifest' }, promise: null })
const each = <T>(value: T): PerClass<T> => mapClasses(() => value)
export const aPolicy: Policy = {
  version: 1,
  createdAt: T0,
  author: 'Lanescope',
  reason: 'from the manifest',
  model: 'chr-test@1',
  modelSha256: 'b'.repeat(64),
  anyAlarm: null,
  prevalence: each(0.00025),
  bagsPerHour: 300,
  calibration: 1,
  classes: each({ advisory: at(0.01), alarm: at(0.1) }),
}
/** A calibration that leaves a logit as it is at the policy's prevalence. */
export const aCalibration: Calibration = {
  version: 1,
  createdAt: T0,
  author: 'Lanescope',
  sample: 'test',
  model: 'chr-test@1',
  modelSha256: 'b'.repeat(64),
  classes: each({
    map: { method: 'platt' as const, a: 1, b: 0 },
    prevalence: 0.00025,
    positives: 10,
    negatives: 1000,
    logLoss: null,
    ece: null,
    reliability: [],
  }),
}

export class FakeStation {
  bags: Bag[] = []
  status = aStatus()
  /** what `decide` and `review` were called with */
  decided: { id: number; action: DecisionAction; person: string; reason: string | null; seconds: number | null }[] = []
  reviewed: Parameters<Client['bags']['review']>[0][] = []
  searched: Parameters<Client['bags']['search']>[0][] = []
  /** set to make decisions and reviews fail with these words */
  refuse: string | null = null
  /** a review is answered after this */
  slow: Promise<void> = Promise.resolve()
  opened = 0
  #answers: Promise<void> = Promise.resolve()
  /** Decisions are written down, but their answers wait until the returned function is called. */
  holdAnswers(): () => void {
    let go: (() => void) | undefined
    this.#answers = new Promise((resolve) => (go = resolve))
    return () => go?.()
  }
  #push: ((event: StationEvent) => void) | null = null
  #hangUp: ((why: string) => void) | null = null
  #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  readonly open = (): Promise<Connection> => {
    this.opened++
    let end: ((why: string) => void) | undefined
    const closed = new Promise<string>((resolve) => (end = resolve))
    this.#hangUp = (why) => end?.(why)
    return Promise.resolve({ client: this.client, closed, close: () => undefined })
  }

  say(event: StationEvent): void {
    this.#push?.(event)
  }
  /** A bag arrives or changes. */
  bag(bag: Bag): Bag {
    this.bags = [bag, ...this.bags.filter((b) => b.id !== bag.id)].sort((a, b) => b.id - a.id)
    this.say({ type: 'bag', bag })
    return bag
  }
  hangUp(why = 'The station closed the connection.'): void {
    this.#hangUp?.(why)
  }

  #get(id: number): Bag {
    const bag = this.bags.find((b) => b.id === id)
    if (bag === undefined) throw new Error('There is no such bag or version.')
    return bag
  }

  #events(): AsyncIteratorClass<StationEvent, unknown, void> {
    const waiting: StationEvent[] = []
    let wake: (() => void) | undefined
    this.#push = (event) => {
      waiting.push(event)
      wake?.()
    }
    const next = async (): Promise<IteratorResult<StationEvent, unknown>> => {
      for (;;) {
        const value = waiting.shift()
        if (value !== undefined) return { done: false, value }
        await new Promise<void>((resolve) => (wake = resolve))
      }
    }
    return new AsyncIteratorClass(next, () => Promise.resolve())
  }

  readonly client = {
    events: () => Promise.resolve(this.#events()),
    status: () => Promise.resolve(this.status),
    bags: {
      recent: ({ limit }: { limit: number }) => Promise.resolve(this.bags.slice(0, limit)),
      get: ({ id }: { id: number }) => Promise.resolve(this.#get(id)),
      search: (input: Parameters<Client['bags']['search']>[0]) => {
        this.searched.push(input)
        const all = this.bags.filter((bag) => matches(bag, input.filter))
        const page = all.filter((b) => input.before === undefined || b.id < input.before).slice(0, input.limit)
        const last = page.at(-1)?.id ?? 0
        return Promise.resolve({ bags: page, next: all.some((b) => b.id < last) ? last : null, total: all.length })
      },
      history: () => Promise.resolve([{ at: T0, person: null, action: 'received', detail: {} }]),
      decide: async (input: (typeof this.decided)[number]) => {
        await this.#answers
        if (this.refuse !== null) throw new Error(this.refuse)
        this.decided.push(input)
        const { action, person, reason, seconds } = input
        return this.bag({ ...this.#get(input.id), decision: { action, person, reason, seconds, at: this.#now() } })
      },
      review: async (input: Parameters<Client['bags']['review']>[0]) => {
        await this.slow
        if (this.refuse !== null) throw new Error(this.refuse)
        this.reviewed.push(input)
        const { kind, found, comment, person } = input
        return this.bag({ ...this.#get(input.id), outcome: { kind, found, comment, person, at: this.#now() } })
      },
    },
    policy: {
      current: () => Promise.resolve(aPolicy),
      list: () => Promise.resolve([aPolicy]),
      get: () => Promise.resolve(aPolicy),
      calibration: () => Promise.resolve(aCalibration),
    },
  } satisfies Answered as unknown as Client
}
