// The line that `lanescope scan --json` prints for a scan: its schema, and how it is made.
import * as z from 'zod'
import { point, region } from '../../shared/bag'
import { mapClasses, perClass, tier, verdict } from '../../shared/classes'
import type { ScreenedRecord } from '../station/ports'

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
  /** the bags on the scan, from left to right, each by itself; the scan's verdict is the worst of theirs. Empty when unscreenable. */
  bags: z.array(z.object({ box: region, verdict, classes: perClass(classLine.omit({ logits: true })) })),
  model: z.string().nullable(),
  policy: z.number().int().nullable(),
  /** execution provider that ran the network, null when none did */
  provider: z.string().nullable(),
  /** milliseconds; decode and infer are null when unscreenable */
  ms: z.object({ decode: z.number().nullable(), infer: z.number().nullable(), total: z.number() }),
})
export type ScanLine = z.infer<typeof scanLine>

/** What the line names as its judge, on an unscreenable scan too. */
export interface Judge {
  model: string
  policy: number
}

/** The line of one scan; `by` is null where no model could be found. `total` is the time since its file was opened, ms, for scans that have no time of their own. */
export function lineOf(file: string, sha256: string | null, record: ScreenedRecord, by: Judge | null, total: number): ScanLine {
  const { verdict, reason, classes, provider, ms } = record
  return {
    file,
    sha256,
    verdict,
    reason,
    classes: mapClasses((name) => {
      if (classes === null) return { logits: [], score: null, tier: null, peak: null }
      const { logits, posterior, tier, peak } = classes[name]
      return { logits, score: posterior, tier, peak }
    }),
    bags: (record.bags ?? []).map((bag) => ({
      box: bag.box,
      verdict: bag.verdict,
      classes: mapClasses((name) => {
        const { posterior, tier, peak } = bag.classes[name]
        return { score: posterior, tier, peak }
      }),
    })),
    model: by?.model ?? null,
    policy: by?.policy ?? null,
    provider,
    ms: {
      decode: ms && rounded(ms.decode),
      infer: ms && rounded(ms.infer),
      total: rounded(ms?.total ?? total),
    },
  }
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10
