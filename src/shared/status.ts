// What the station says of itself: the status bar's facts.
import * as z from 'zod'

export const laneStatus = z.object({
  name: z.string(),
  kind: z.enum(['folder', 'replay', 'dropped']),
  path: z.string(),
  /** `error`: the feed cannot be read (message says why); `done`: a replay that has ended */
  state: z.enum(['starting', 'live', 'error', 'done']),
  message: z.string().nullable(),
  /** scans handed to the station since start */
  seen: z.number().int().nonnegative(),
  lastScanAt: z.number().nullable(),
})
export type LaneStatus = z.infer<typeof laneStatus>

export const inferenceStatus = z.object({
  state: z.enum(['starting', 'ready', 'restarting', 'failed']),
  /** what really runs, e.g. 'cuda' or 'cpu'; null before the session is open */
  provider: z.string().nullable(),
  /** why a better provider is not used */
  providerNote: z.string().nullable(),
  model: z.string().nullable(),
  restarts: z.number().int().nonnegative(),
  message: z.string().nullable(),
})
export type InferenceStatus = z.infer<typeof inferenceStatus>

/** One watched quantity of the drift view. */
export const driftSignal = z.object({
  id: z.string(),
  label: z.string(),
  state: z.enum(['learning', 'steady', 'drifted']),
  value: z.number().nullable(),
  expected: z.number().nullable(),
  limits: z.tuple([z.number(), z.number()]).nullable(),
  bags: z.number().int().nonnegative(),
  /** one plain sentence */
  says: z.string(),
})
export type DriftSignal = z.infer<typeof driftSignal>
export const driftReport = z.object({
  state: z.enum(['learning', 'steady', 'drifted']),
  signals: z.array(driftSignal),
  /** prevalence estimated by EM, by class; null while learning */
  prevalence: z.record(z.string(), z.number()).nullable(),
})
export type DriftReport = z.infer<typeof driftReport>

/** A failure that concerns no single bag. */
export const trouble = z.object({
  /** plain words, for people only: nothing may be read out of them */
  text: z.string(),
  /** it reaches every bag: until it is over each must be treated as an alarm */
  grave: z.boolean(),
})
export type Trouble = z.infer<typeof trouble>

export const stationStatus = z.object({
  now: z.number(),
  /** where the station stands: its IANA time zone, and the BCP 47 locale whose order of a date its people read */
  place: z.object({ timeZone: z.string(), locale: z.string() }),
  startedAt: z.number(),
  lanes: z.array(laneStatus),
  inference: inferenceStatus,
  backlog: z.number().int().nonnegative(),
  /** median total ms of the last 50 screened bags */
  msPerBag: z.number().nullable(),
  today: z.object({
    bags: z.number().int().nonnegative(),
    alarms: z.number().int().nonnegative(),
    advisories: z.number().int().nonnegative(),
    unscreenable: z.number().int().nonnegative(),
  }),
  policy: z.number().int().nullable(),
  /** where the signed record ends: how many links, the last one's hash, and when all of it was last found whole (epoch ms); to be kept elsewhere, too */
  record: z.object({ links: z.number().int().nonnegative(), hash: z.string(), checkedAt: z.number().nullable() }).nullable(),
  /** promised alarms on benign bags per 1,000 (upper 95 % bound), beside what the last hour showed */
  alarmRate: z.object({ lastHour: z.number().nullable(), bags: z.number().int(), promisedPer1000: z.number().nullable() }),
  disk: z.object({ freeBytes: z.number(), totalBytes: z.number(), low: z.boolean() }).nullable(),
  /** e.g. a full disk */
  troubles: z.array(trouble),
  drift: z.enum(['learning', 'steady', 'drifted']).nullable(),
})
export type StationStatus = z.infer<typeof stationStatus>
