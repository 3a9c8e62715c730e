// The line that `lanescope scan --json` prints for a scan: its schema, and how it is made.
import * as z from 'zod'
import { judge } from '../../domain/policy'
import { point } from '../../shared/bag'
import { mapClasses, perClass, tier, verdict } from '../../shared/classes'
import type { Calibration, Policy } from '../../shared/policy'
import type { ScreenResult } from '../station/ports'

/** Of an unscreenable scan nothing is known: no logits, and null, not "none", for the tier, so that no reader takes it for clear. */
const classLine = z.object({
  /** by level, level 1 (finest map) first; empty when unscreenable */
  logits: z.array(z.number()),
  /** posterior at the policy's prevalence */
  score: z.number().min(0).max(1).nullable(),
  tier: tier.nullable(),
  /** fractions of the original image's width and height */
  peak: point.nullable(),
})
export const scanLine = z.strictObject({
  file: z.string(),
  /** null when the file could not be read */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  verdict,
  /** why the scan is unscreenable, else null */
  reason: z.string().nullable(),
  classes: perClass(classLine),
  model: z.string().nullable(),
  policy: z.number().int().nullable(),
  /** execution provider that ran the network, null when none did */
  provider: z.string().nullable(),
  /** milliseconds; decode and infer are null when unscreenable */
  ms: z.object({ decode: z.number().nullable(), infer: z.number().nullable(), total: z.number() }),
})
export type ScanLine = z.infer<typeof scanLine>

/** What judges: null where no model could be found. */
export interface Judge {
  model: string
  policy: Policy
  calibration: Calibration
}

/** The line of one scan. `total` is the time since its file was opened, ms, for scans that have no time of their own. */
export function lineOf(file: string, sha256: string | null, result: ScreenResult, by: Judge | null, total: number): ScanLine {
  const [model, policy] = [by?.model ?? null, by?.policy.version ?? null]
  const unscreenable = (reason: string): ScanLine => ({
    file,
    sha256,
    verdict: 'unscreenable',
    reason,
    classes: mapClasses(() => ({ logits: [], score: null, tier: null, peak: null })),
    model,
    policy,
    provider: null,
    ms: { decode: null, infer: null, total: rounded(total) },
  })
  if (!result.ok) return unscreenable(result.reason)
  if (by === null) return unscreenable('There is no model.')
  const { output } = result
  try {
    const fused = mapClasses((name) => output.classes[name].fused)
    const judged = judge(fused, by.policy, by.calibration)
    return {
      file,
      sha256,
      verdict: judged.verdict,
      reason: null,
      classes: mapClasses((name) => ({
        logits: output.classes[name].logits,
        score: judged.classes[name].posterior,
        tier: judged.classes[name].tier,
        peak: output.classes[name].peak,
      })),
      model,
      policy,
      provider: output.provider,
      ms: { decode: rounded(output.ms.decode), infer: rounded(output.ms.infer), total: rounded(output.ms.total) },
    }
  } catch (error) {
    return unscreenable(error instanceof Error ? error.message : String(error))
  }
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10
