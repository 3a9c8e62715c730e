// A screened record, for tests and for the processes that tests stop.
import type { ScreenedRecord } from '../../../src/main/station/ports'
import type { BagOnScan } from '../../../src/shared/bag'
import { mapClasses, type ThreatClass, type Tier, type Verdict } from '../../../src/shared/classes'

/** One bag on a scan. */
const onScan = (verdict: BagOnScan['verdict'], tiers: Partial<Record<ThreatClass, Tier>>): BagOnScan => ({
  box: { x: 0.125, y: 0.25, width: 0.5, height: 0.625 },
  verdict,
  classes: mapClasses((c, i) => ({
    fused: i / 3,
    posterior: 0.001 * (i + 1),
    tier: tiers[c] ?? 'none',
    peak: { x: 0.125 * (i + 1), y: 0.5 },
  })),
})

/** A screened record; `tiers` of the classes that are not 'none'. */
export function record(verdict: Verdict, tiers: Partial<Record<ThreatClass, Tier>> = {}, screenedAt = 1): ScreenedRecord {
  const flagged = verdict !== 'unscreenable'
  return {
    verdict,
    reason: flagged ? null : 'The scan is damaged.',
    width: flagged ? 640 : null,
    height: flagged ? 480 : null,
    classes: flagged
      ? mapClasses((c, i) => ({
          logits: [i + 0.25, i - 0.5, 1 - i],
          fused: i / 3,
          posterior: 0.001 * (i + 1),
          tier: tiers[c] ?? 'none',
          peak: { x: 0.125 * (i + 1), y: 0.5 },
        }))
      : null,
    ...(verdict === 'unscreenable' ? {} : { bags: [onScan(verdict, tiers)] }),
    statistics: flagged ? { brightness: 101.5, background: 250, aspect: 1.5, bagShare: 0.4 } : null,
    model: flagged ? 'chr@1' : null,
    policy: flagged ? 1 : null,
    provider: flagged ? 'cpu' : null,
    ms: flagged ? { decode: 1.5, infer: 20, total: 22 } : null,
    screenedAt,
    heatmap: null,
  }
}
