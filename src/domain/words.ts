// A posterior in words that an operator grasps: natural frequencies, rounded to what the number can bear.

/** Denominators of "1 in n" get two figures at most; a lane cannot tell 1 in 3,047 from 1 in 3,000. */
function rounded(n: number): number {
  if (n < 20) return Math.round(n)
  const power = 10 ** Math.floor(Math.log10(n))
  const step = n < 100 ? 5 : n < 3 * power ? power / 10 : power / 2
  return Math.round(n / step) * step
}

const FEWEST = 100_000

/**
 * "about 1 in 12", "more likely than not", "1 in 3,000", "less than 1 in 100,000". `p` in [0, 1]; anything else is "unknown", never a small number.
 */
export function posteriorInWords(p: number): string {
  if (!(p >= 0 && p <= 1)) return 'unknown'
  if (p >= 0.99) return 'almost certain'
  if (p >= 0.925) return 'about 19 in 20'
  if (p >= 0.875) return 'about 9 in 10'
  if (p > 0.55) return 'more likely than not'
  if (p >= 0.45) return 'about 1 in 2'
  if (p >= 0.36) return 'about 2 in 5'
  const n = 1 / p
  if (n > FEWEST) return `less than 1 in ${FEWEST.toLocaleString('en-US')}`
  const text = `1 in ${rounded(n).toLocaleString('en-US')}`
  return n < 1000 ? `about ${text}` : text
}
