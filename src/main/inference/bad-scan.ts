// A scan that can't be screened, with the reason as an operator reads it. Never a score.
export class BadScan extends Error {
  override readonly name = 'BadScan'
}

/** Megapixels that a scan may have. */
export const MOST_MEGAPIXELS = 50
/** Pixels that each side must have: below, the network would look at an enlarged blur. */
export const LEAST_SIDE = 64

/** Refuses sizes before anything is decoded. Throws BadScan. */
export function checkSize(width: number, height: number): void {
  const size = `${width.toLocaleString('en-US')} × ${height.toLocaleString('en-US')} pixels`
  if (width * height > MOST_MEGAPIXELS * 1e6)
    throw new BadScan(`The image is too large: ${size}; the limit is ${MOST_MEGAPIXELS} megapixels.`)
  if (width < LEAST_SIDE || height < LEAST_SIDE)
    throw new BadScan(`The image is too small: ${size}; each side needs at least ${LEAST_SIDE}.`)
}

/** A row this dark that is of one colour from edge to edge is no picture: belts are lighter, and bags have edges. */
const DARK = 150
/** Channels of one colour lie this close (JPEG's noise). */
const ALIKE = 2
/** Such rows that a scan may have next to each other (2,690 real scans: 3). */
const MOST_DARK_ROWS = 7

/**
 * Refuses a picture of which a part is missing: rows of black, or of one dark colour, from edge to edge. Only rows from `first` up to `end` count: beyond
 * lies a scanner's frame. Throws BadScan.
 */
export function refuseMissingRows(
  { width, height, data }: { width: number; height: number; data: Uint8Array },
  { first, end } = { first: 0, end: height },
): void {
  let rows = 0
  let most = 0
  let all = 0
  for (let row = first; row < end; row += 1) {
    const missing = isDarkAndAlike(data, 3 * row * width, 3 * (row + 1) * width)
    rows = missing ? rows + 1 : 0
    most = Math.max(most, rows)
    all += missing ? 1 : 0
  }
  // A picture of nothing else is blank as a whole, which is said elsewhere.
  if (most > MOST_DARK_ROWS && all < end - first)
    throw new BadScan(`A part of the picture is missing: ${most.toLocaleString('en-US')} rows are dark from edge to edge.`)
}

function isDarkAndAlike(data: Uint8Array, from: number, to: number): boolean {
  const [r = 0, g = 0, b = 0] = data.subarray(from, from + 3)
  if (Math.max(r, g, b) >= DARK) return false
  for (let at = from; at < to; at += 3)
    if (
      Math.abs((data[at] ?? 0) - r) > ALIKE ||
      Math.abs((data[at + 1] ?? 0) - g) > ALIKE ||
      Math.abs((data[at + 2] ?? 0) - b) > ALIKE
    )
      return false
  return true
}

/** Longest side of a bag by its shortest (real scans: up to 3.1): the network was shown none beyond, and in its square the bag is a thread. */
const MOST_STRETCHED = 6

/** Refuses a bag of extreme shape, by its box. Throws BadScan. */
export function checkShape({ x0, y0, x1, y1 }: { x0: number; y0: number; x1: number; y1: number }): void {
  const [long, short] = [Math.max(x1 - x0, y1 - y0), Math.min(x1 - x0, y1 - y0)]
  if (long > MOST_STRETCHED * short)
    throw new BadScan(
      `The bag is ${(long / short).toFixed(0)} times as long as it is wide: too little of it would be left at the network's size.`,
    )
}
