// Step 7 of bag-2: what the network sees at once. Each bag whole; a long one also in parts as long as it is broad, a quarter or more overlapping.
import type { Pixels } from './bmp'
import type { PixelBox } from './locate'

export interface Look {
  box: PixelBox
  /** index of its bag */
  bag: number
}

/** The looks of all bags, in their order. Slivers (what is left of a bag at the rim of a frame) are looked at whole only. */
export function looksAt(bags: readonly PixelBox[], { width, height }: Pick<Pixels, 'width' | 'height'>): Look[] {
  return bags.flatMap((box, bag) => [box, ...partsOf(box, Math.max(width, height))].map((part) => ({ box: part, bag })))
}

/** `longest`: the scan's longer side, pixels. */
function partsOf({ x0, y0, x1, y1 }: PixelBox, longest: number): PixelBox[] {
  const [wide, high] = [x1 - x0, y1 - y0]
  const [long, broad] = [Math.max(wide, high), Math.min(wide, high)]
  if (4 * long <= 7 * broad || (6 * broad < longest && 5 * long < 4 * longest)) return []
  // no more than five parts, however long
  const part = Math.max(broad, Math.ceil(long / 4))
  const count = Math.ceil((4 * (long - part)) / (3 * part)) + 1
  return Array.from({ length: count }, (_, i) => {
    const start = Math.floor((i * (long - part)) / (count - 1))
    return wide >= high ? { x0: x0 + start, y0, x1: x0 + start + part, y1 } : { x0, y0: y0 + start, x1, y1: y0 + start + part }
  })
}
