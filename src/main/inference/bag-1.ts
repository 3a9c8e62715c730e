// Steps 2–6 of bag-1, for models that were trained with it: the background's colour and one box round all that stands out from it.
import { BadScan } from './bad-scan'
import type { Pixels } from './bmp'
import { refuseWithoutPseudoColour } from './colour'
import { components, type Part } from './components'
import { grid, type Cells } from './grid'
import type { Colour } from './ground'
import { statisticsOf, type Located, type PixelBox } from './locate'

const LIGHT = 200
const DARKER = 20

/** One box round everything. Throws BadScan where nothing stands out, or what stands out can't be a pseudo-colour scan. */
export function locateAsBag1(image: Pixels): Located {
  const cells = grid(image, { x0: 0, y0: 0, x1: image.width, y1: image.height })
  if (cells.colours.length === 0)
    throw new BadScan('There is no bag to see: the image is narrower than one cell of the search grid.')
  const background = backgroundOf(cells)
  const { bag, parts } = largeComponents(cells, background)
  refuseWithoutPseudoColour(cells.colours, bag)
  const box = boxOf(cells, parts, image)
  return { bags: [box], background, statistics: statisticsOf(cells, bag, background, box) }
}

/** Step 3. */
function backgroundOf({ colours, width, height }: Cells): Colour {
  const counts = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)] as const
  let light = 0
  for (let at = 0; at < colours.length; at += 3) {
    const r = colours[at] ?? 0
    const g = colours[at + 1] ?? 0
    const b = colours[at + 2] ?? 0
    if (Math.min(r, g, b) < LIGHT) continue
    light += 1
    counts[0][r] = (counts[0][r] ?? 0) + 1
    counts[1][g] = (counts[1][g] ?? 0) + 1
    counts[2][b] = (counts[2][b] ?? 0) + 1
  }
  if (100 * light < width * height) return [255, 255, 255]
  const mode = (count: Uint32Array): number => {
    let best = 255
    for (let value = 254; value >= 0; value -= 1) if ((count[value] ?? 0) > (count[best] ?? 0)) best = value
    return best
  }
  return [mode(counts[0]), mode(counts[1]), mode(counts[2])]
}

/** Steps 4 and 5: the components that have at least 6 % of the largest one's area, and 1 for each of their cells. */
function largeComponents({ colours, width, height }: Cells, [r, g, b]: Colour): { bag: Uint8Array; parts: Part[] } {
  const bag = new Uint8Array(width * height)
  for (let cell = 0, at = 0; cell < bag.length; cell += 1, at += 3)
    if (r - (colours[at] ?? 0) > DARKER || g - (colours[at + 1] ?? 0) > DARKER || b - (colours[at + 2] ?? 0) > DARKER)
      bag[cell] = 1
  const { labels, parts } = components(bag, width, height)
  const largest = parts.reduce((most, { area }) => Math.max(most, area), 0)
  if (largest === 0 || 200 * largest < bag.length)
    throw new BadScan('There is no bag to see: nothing stands out from the background.')
  const isLarge = ({ area }: Part): boolean => 100 * area >= 6 * largest
  const keep = Uint8Array.from([0, ...parts.map((part) => (isLarge(part) ? 1 : 0))])
  for (let cell = 0; cell < bag.length; cell += 1) bag[cell] = keep[labels[cell] ?? 0] ?? 0
  return { bag, parts: parts.filter(isLarge) }
}

/** Step 6: grown by one cell each side. A box that ends at the last cell takes the rest that the grid left out. */
function boxOf({ width, height, k }: Cells, parts: readonly Part[], image: Pixels): PixelBox {
  const right = Math.max(...parts.map(({ x1 }) => x1)) + 1
  const bottom = Math.max(...parts.map(({ y1 }) => y1)) + 1
  return {
    x0: Math.max(0, Math.min(...parts.map(({ x0 }) => x0)) - 1) * k,
    y0: Math.max(0, Math.min(...parts.map(({ y0 }) => y0)) - 1) * k,
    x1: right >= width ? image.width : right * k,
    y1: bottom >= height ? image.height : bottom * k,
  }
}
