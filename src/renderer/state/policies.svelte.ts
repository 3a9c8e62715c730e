// Policies and calibrations by version, fetched once: for the ticks on the lamps and the words beside them.
import { SvelteMap } from 'svelte/reactivity'
import { posteriorAt } from '../../domain/calibration'
import { logOdds } from '../../domain/prior-shift'
import { mapClasses, type PerClass } from '../../shared/classes'
import type { Calibration, Policy } from '../../shared/policy'
import type { Live } from './live.svelte'

export interface Judging {
  policy: Policy
  /** each tier's threshold as a posterior at the lane's prevalence; null where its calibration is not to be had */
  ticks: PerClass<{ advisory: number; alarm: number }> | null
}

export class Policies {
  readonly #live: Live
  readonly #known = new SvelteMap<number, Judging>()
  #asked: readonly number[] = []

  constructor(live: Live) {
    this.#live = live
  }

  /** The policy of a verdict, or null until it is here (it is fetched when first asked for). */
  of(version: number | null): Judging | null {
    return version === null ? null : (this.#known.get(version) ?? null)
  }

  /** Fetches a version once; a failure is forgotten so that the next bag asks again. */
  async fetch(version: number | null): Promise<void> {
    if (version === null || this.#asked.includes(version) || !this.#live.connected) return
    this.#asked = [...this.#asked, version]
    try {
      const { client } = this.#live
      const policy = await client.policy.get({ version })
      const calibration = await client.policy.calibration({ version: policy.calibration }).catch(() => null)
      this.#known.set(version, { policy, ticks: calibration === null ? null : ticksOf(policy, calibration) })
    } catch {
      this.#asked = this.#asked.filter((v) => v !== version)
    }
  }
}

function ticksOf(policy: Policy, calibration: Calibration): Judging['ticks'] {
  try {
    return mapClasses((c) => {
      const at = (threshold: number): number => posteriorAt(calibration.classes[c], threshold, policy.prevalence[c])
      return { advisory: at(policy.classes[c].advisory.threshold), alarm: at(policy.classes[c].alarm.threshold) }
    })
  } catch {
    return null
  }
}

/** The lamps' scale: log odds of the posterior, from 1 in a million to 99 in 100, as a fraction of the bar. */
const SCALE = { from: logOdds(1e-6), to: logOdds(0.99) } as const
export function onScale(posterior: number): number {
  if (posterior <= 0) return 0
  if (posterior >= 1) return 1
  return Math.min(1, Math.max(0, (logOdds(posterior) - SCALE.from) / (SCALE.to - SCALE.from)))
}
