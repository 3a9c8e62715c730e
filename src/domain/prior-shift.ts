// Moves a probability from one prevalence to another: P(x | class) stays, P(class) changes.
//
// Saerens, Latinne & Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", Neural Computation 14 (2002),
// eq. 4, doi 10.1162/089976602753284446. In log odds it is a shift by the difference of the prior log odds.

/** Log odds of a probability in (0, 1). */
export function logOdds(p: number): number {
  return Math.log(p) - Math.log1p(-p)
}

/** Probability of log odds; exact in both tails. */
export function fromLogOdds(z: number): number {
  if (z >= 0) return 1 / (1 + Math.exp(-z))
  const e = Math.exp(z)
  return e / (1 + e)
}

/** Log odds at prevalence `to` of what had log odds `z` at prevalence `from`; both prevalences in (0, 1), else RangeError. */
export function shiftLogOdds(z: number, from: number, to: number): number {
  return z + logOdds(checked(to)) - logOdds(checked(from))
}

/** Posterior at prevalence `to` of a probability `p` in [0, 1] that holds at prevalence `from`. */
export function shiftPrior(p: number, from: number, to: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`${p} is not a probability`)
  if (p === 0 || p === 1) {
    checked(from)
    checked(to)
    return p
  }
  return fromLogOdds(shiftLogOdds(logOdds(p), from, to))
}

function checked(prevalence: number): number {
  if (!(prevalence > 0 && prevalence < 1)) throw new RangeError(`a prevalence lies between 0 and 1, not ${prevalence}`)
  return prevalence
}
