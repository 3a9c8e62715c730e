// The five prohibited classes and the words of a verdict: the vocabulary that every room shares.
import * as z from 'zod'

/** Prohibited classes, in the order of the network's outputs (docs/MODEL_CONTRACT.md). */
export const THREAT_CLASSES = ['gun', 'knife', 'wrench', 'pliers', 'scissors'] as const
export const threatClass = z.enum(THREAT_CLASSES)
export type ThreatClass = z.infer<typeof threatClass>

/** A class's alarm tier: an interrupting alarm, a silent advisory, or nothing. */
export const tier = z.enum(['none', 'advisory', 'alarm'])
export type Tier = z.infer<typeof tier>

/** How a bag leaves the system. `unscreenable` must be treated as an alarm: the bag could not be analysed. */
export const verdict = z.enum(['clear', 'advisory', 'alarm', 'unscreenable'])
export type Verdict = z.infer<typeof verdict>

/** A value for each class. */
export type PerClass<T> = Record<ThreatClass, T>
export const perClass = <T extends z.ZodType>(value: T) =>
  z.object({ gun: value, knife: value, wrench: value, pliers: value, scissors: value })

/** Builds a value for each class. */
export function mapClasses<T>(make: (c: ThreatClass, index: number) => T): PerClass<T> {
  return Object.fromEntries(THREAT_CLASSES.map((c, i) => [c, make(c, i)])) as PerClass<T>
}
