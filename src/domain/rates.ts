// Bounds on rates: the beta distribution's quantile and what follows from it (Clopper & Pearson 1934, Wilson 1927).
//
// Own code, small and tested against SciPy: @stdlib's beta quantile brings 233 packages, jStat has no types and a Newton loop that may stop early.

/** Lanczos approximation (g = 7, n = 9) of ln Γ(x), x > 0; relative error below 1e-13. */
export function logGamma(x: number): number {
  const g = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
    -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ]
  const y = x - 1
  let sum = g[0] ?? NaN
  for (let i = 1; i < g.length; i++) sum += (g[i] ?? NaN) / (y + i)
  const t = y + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum)
}

/** Regularised incomplete beta function I_x(a, b): the beta distribution's CDF. x in [0, 1], a, b > 0. Continued fraction by Lentz's method. */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  // the fraction converges fast on the side of the mean that x lies on; the other side by symmetry
  if (x > (a + 1) / (a + b + 2)) return 1 - betaCdf(1 - x, b, a)
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a
  const tiny = 1e-300
  const nonZero = (v: number): number => (Math.abs(v) < tiny ? tiny : v)
  let c = 1
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1))
  let h = d
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / nonZero(1 + even * d)
    c = nonZero(1 + even / c)
    h *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / nonZero(1 + odd * d)
    c = nonZero(1 + odd / c)
    h *= d * c
    if (Math.abs(d * c - 1) < 1e-15) break
  }
  return Math.min(1, front * h)
}

/** Quantile of the beta distribution by bisection in log space, so that tiny rates keep their digits. p in [0, 1]. */
export function betaQuantile(p: number, a: number, b: number): number {
  if (!(p >= 0 && p <= 1 && a > 0 && b > 0)) throw new RangeError(`no beta quantile at p=${p}, a=${a}, b=${b}`)
  if (p === 0) return 0
  if (p === 1) return 1
  let low = -800 // ln x
  let high = 0
  for (let i = 0; i < 200 && high - low > 1e-14 * Math.abs(low); i++) {
    const mid = (low + high) / 2
    if (betaCdf(Math.exp(mid), a, b) < p) low = mid
    else high = mid
  }
  return Math.exp((low + high) / 2)
}

function counted(k: number, n: number): void {
  if (!(k >= 0 && n >= k)) throw new RangeError(`${k} of ${n} is no rate`)
}

/** One-sided upper bound of a rate after k events in n (Clopper–Pearson); 1 where n is 0: nothing seen bounds nothing. */
export function upperBound(k: number, n: number, confidence = 0.95): number {
  counted(k, n)
  return k >= n ? 1 : betaQuantile(confidence, k + 1, n - k)
}

/** One-sided lower bound of a rate after k events in n (Clopper–Pearson). */
export function lowerBound(k: number, n: number, confidence = 0.95): number {
  counted(k, n)
  return k === 0 ? 0 : betaQuantile(1 - confidence, k, n - k + 1)
}

/** Two-sided Clopper–Pearson interval; [0, 1] where n is 0. */
export function exactInterval(k: number, n: number, confidence = 0.95): [low: number, high: number] {
  const side = (1 + confidence) / 2
  return [lowerBound(k, n, side), upperBound(k, n, side)]
}

/** The most events in n bags whose upper bound still keeps to `rate`; −1 where not even none does. */
export function mostEvents(n: number, rate: number, confidence = 0.95): number {
  if (upperBound(0, n, confidence) > rate) return -1
  let low = 0
  let high = Math.max(1, Math.ceil(rate * n)) // upperBound(k, n) > k / n, so k < rate · n
  while (high - low > 1) {
    const mid = (low + high) >>> 1
    if (upperBound(mid, n, confidence) <= rate) low = mid
    else high = mid
  }
  return low
}

/** Bags without a single event that it takes to bound a rate: ln(1 − confidence) / ln(1 − rate), about 3 / rate. */
export function bagsToBound(rate: number, confidence = 0.95): number {
  if (!(rate > 0 && rate <= 1)) throw new RangeError(`${rate} is no rate to bound`)
  return rate === 1 ? 1 : Math.ceil(Math.log(1 - confidence) / Math.log1p(-rate) - 1e-9)
}

/** Quantile of the standard normal distribution (Acklam's rational approximation, one Halley step): |error| below 1e-12 in (1e-300, 1). */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`no normal quantile at ${p}`)
  if (p > 0.5) return -normalQuantile(1 - p)
  const tail = p < 0.02425
  let x: number
  if (tail) {
    const q = Math.sqrt(-2 * Math.log(p))
    x =
      (((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) * q +
        4.374664141464968) *
        q +
        2.938163982698783) /
      ((((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1)
  } else {
    const q = p - 0.5
    const r = q * q
    x =
      ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
        30.66479806614716) *
        r +
        2.506628277459239) *
        q) /
      (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
        13.28068155288572) *
        r +
        1)
  }
  const error = (normalCdf(x) - p) * Math.sqrt(2 * Math.PI) * Math.exp((x * x) / 2)
  return x - error / (1 + (x * error) / 2)
}

/** The standard normal distribution's CDF, by the incomplete gamma function's series and continued fraction. */
export function normalCdf(x: number): number {
  if (x > 0) return 1 - normalCdf(-x)
  const t = (x * x) / 2 // Φ(x) = Q(½, t) / 2 for x ≤ 0
  if (t > 1.5) {
    // continued fraction of Q(½, t)
    let b = t + 0.5
    let c = 1e300
    let d = 1 / b
    let h = d
    for (let i = 1; i < 1000; i++) {
      const an = -i * (i - 0.5)
      b += 2
      d = 1 / (an * d + b)
      c = b + an / c
      h *= d * c
      if (Math.abs(d * c - 1) < 1e-16) break
    }
    return 0.5 * Math.exp(-t + 0.5 * Math.log(t) - 0.5 * Math.log(Math.PI)) * h
  }
  let term = 2
  let sum = 2
  for (let n = 1; n < 500 && term > sum * 1e-17; n++) {
    term *= t / (n + 0.5)
    sum += term
  }
  return 0.5 - 0.5 * sum * Math.sqrt(t / Math.PI) * Math.exp(-t)
}
