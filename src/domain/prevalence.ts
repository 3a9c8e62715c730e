// How many bags hold a threat, from scores without labels: the EM of Saerens, Latinne & Decaestecker (2002, eq. 6).

export interface PrevalenceEstimate {
  prevalence: number
  /** log-likelihood gained over `expected`, nats; half a likelihood-ratio statistic */
  gain: number
}

/**
 * EM for one class. `odds`: each bag's log odds in the calibration sample, whose prevalence was `calibrated`; `expected`: the lane's, for `gain`.
 * Starts at `calibrated` as the paper does; the likelihood is concave in the prevalence, so the start does not matter. Throws RangeError when empty.
 */
export function estimatePrevalence(odds: readonly number[], calibrated: number, expected: number): PrevalenceEstimate {
  if (odds.length === 0) throw new RangeError('no bag to estimate a prevalence from')
  // likelihood ratio p(z | threat) / p(z | benign), capped: a single certain score must not carry the sum to infinity
  const offset = Math.log(calibrated) - Math.log1p(-calibrated)
  const ratios = odds.map((o) => Math.exp(Math.min(o - offset, 50)))
  const likelihood = (p: number): number => ratios.reduce((sum, r) => sum + Math.log1p(p * (r - 1)), 0)
  let p = calibrated
  for (let round = 0; round < 2000; round++) {
    let sum = 0
    for (const r of ratios) sum += (p * r) / (p * r + 1 - p)
    const next = sum / ratios.length
    const done = Math.abs(next - p) < 1e-9
    p = next
    if (done) break
  }
  return { prevalence: p, gain: likelihood(p) - likelihood(expected) }
}
