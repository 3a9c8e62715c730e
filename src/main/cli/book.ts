// What the policy commands work on: the model with its held-out scores, and the policy book of a data folder where there is one.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { firstCalibration, firstPolicy } from '../../domain/first-policy'
import { parseScores, sampleOf, type Sample } from '../../domain/scores'
import { anyPromise, withPromises } from '../../domain/thresholds'
import { mapClasses } from '../../shared/classes'
import type { Calibration, Policy } from '../../shared/policy'
import { chooseModel, heldOutScores, type ModelFiles } from '../inference/model-files'
import { dataHome } from '../options'
import type { PolicyBook } from '../station/ports'
import { UsageError } from './exit'

export interface BookOptions {
  data?: string
  /** the station's key, where it is not in the data folder */
  key?: string
  model?: string
}

/** Finds the model that was named or is bundled; a missing one is wrong use. */
export function modelOf(named: string | undefined): ModelFiles {
  try {
    return chooseModel(import.meta.dirname, named)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

export const emptySample = (): Sample => ({ benign: [], positives: mapClasses(() => []) })

/** The model's held-out scores taken apart; empty where it has none. */
export async function sampleOfModel(model: ModelFiles): Promise<Sample> {
  const csv = await heldOutScores(model)
  return csv === null ? emptySample() : sampleOf(parseScores(csv))
}

export const dataFolder = (options: BookOptions): string => resolve(options.data ?? dataHome())

/** Runs `work` on the policy book of the data folder; the station may run beside it. Wrong use where there is none. */
export async function withBook<T>(options: BookOptions, work: (book: PolicyBook) => T): Promise<T> {
  const folder = dataFolder(options)
  if (!existsSync(join(folder, 'lanescope.sqlite')))
    throw new UsageError(
      `There is no lane in ${folder}: name its data folder with --data DIR (the demo's is ${dataHome()}-demo).`,
    )
  const { openStore } = await import('../store')
  const store = openStore({ folder, key: options.key, exclusive: false })
  try {
    return work(store.policies)
  } finally {
    store.close()
  }
}

export interface Judging {
  policy: Policy
  calibration: Calibration
  /** where they come from, in words */
  from: string
}

/** A version (or the one in force) from the lane's book; without a lane the model's first policy, with what it promises. */
export async function judging(options: BookOptions, model: ModelFiles, sample: Sample, version?: number): Promise<Judging> {
  const folder = dataFolder(options)
  if (options.data !== undefined || existsSync(join(folder, 'lanescope.sqlite')))
    return withBook(options, (book) => {
      if (book.isEmpty()) throw new UsageError(`The lane in ${folder} has no policy yet: start it once.`)
      const policy = version === undefined ? book.current() : book.get(version)
      if (!policy) throw new UsageError(`There is no policy ${String(version)} in ${folder}.`)
      const calibration = book.calibration(policy.calibration)
      if (!calibration)
        throw new UsageError(`Policy ${policy.version} names calibration ${policy.calibration}, which does not exist.`)
      return { policy, calibration, from: `lane in ${folder}` }
    })
  if (version !== undefined && version !== 1)
    throw new UsageError(`There is no lane in ${folder}, so there is only policy 1, the model's own.`)
  const calibration = { version: 1, ...firstCalibration(model.manifest) }
  const first = { version: 1, ...firstPolicy(model.manifest, 1) }
  const policy =
    sample.benign.length === 0 ? first : { ...withPromises(first, sample), anyAlarm: anyPromise(sample, first, 'alarm') }
  return { policy, calibration, from: "the model's own thresholds (no lane yet)" }
}

/** Positive whole numbers like 1000000 or 1e6. */
export function wholeNumber(value: string): number {
  const n = Number(value)
  if (!Number.isInteger(n) || n <= 0) throw new UsageError(`${value} is not a whole number above 0.`)
  return n
}
