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
