// Steps 2–6 of bag-2: the ground's colour and the bags' boxes, in whole numbers so that Python finds the same (training/lanescope/preprocess.py).
import type { Placement } from '../../domain/cam'
import type { ImageStatistics } from '../../shared/bag'
import { BadScan } from './bad-scan'
import { bagCells, bagsOf } from './bags'
import type { Pixels } from './bmp'
import { refuseWithoutPseudoColour } from './colour'
import { grid, withoutFrame, type Cells } from './grid'
import { groundOf, type Colour } from './ground'

/** In whole pixels of the original, ends exclusive. */
export type PixelBox = Placement['box']
export interface Located {
  /** at least one, from left to right, then from top to bottom */
  bags: PixelBox[]
  /** the ground's red, green and blue, 0–255 */
  background: Colour
  statistics: ImageStatistics
}

/** Finds the bags. Throws BadScan where no ground can be told, nothing stands out from it, or what does can't be a pseudo-colour scan. */
export function locate(image: Pixels): Located {
  const frame = withoutFrame(image)
  const cells = grid(image, frame)
  if (cells.width < 2 || cells.height < 2)
    throw new BadScan('No ground can be told: the image is narrower than two cells of the search grid.')
  const background = groundOf(cells)
  const bag = bagCells(cells, background)
  const found = bagsOf(bag, cells.width, cells.height)
  if (200 * (found[0]?.area ?? 0) < bag.length)
    throw new BadScan('There is no bag to see: nothing stands out from the background.')
  refuseWithoutPseudoColour(cells.colours, bag)

  const { k, width, height } = cells
  // Grown by one cell each side. A box that ends at the last cell takes the rest that the grid left out.
  const bags = found
    .map(({ x0, y0, x1, y1 }) => ({
      x0: frame.x0 + Math.max(0, x0 - 1) * k,
      y0: frame.y0 + Math.max(0, y0 - 1) * k,
      x1: x1 + 1 >= width ? frame.x1 : frame.x0 + (x1 + 1) * k,
      y1: y1 + 1 >= height ? frame.y1 : frame.y0 + (y1 + 1) * k,
    }))
    .sort((a, b) => a.x0 - b.x0 || a.y0 - b.y0 || a.x1 - b.x1 || a.y1 - b.y1)
  return { bags, background, statistics: statisticsOf(cells, bag, background, around(bags)) }
}

/** The box round all of them. */
function around(boxes: readonly PixelBox[]): PixelBox {
  return {
    x0: Math.min(...boxes.map((b) => b.x0)),
    y0: Math.min(...boxes.map((b) => b.y0)),
    x1: Math.max(...boxes.map((b) => b.x1)),
    y1: Math.max(...boxes.map((b) => b.y1)),
  }
}

/** `bag`: 1 for each cell of a bag, of which there is at least one. */
export function statisticsOf({ colours }: Cells, bag: Uint8Array, background: Colour, box: PixelBox): ImageStatistics {
  let area = 0
  let sum = 0
  for (let cell = 0; cell < bag.length; cell += 1) {
    if (bag[cell] === 0) continue
    area += 1
    sum += (colours[3 * cell] ?? 0) + (colours[3 * cell + 1] ?? 0) + (colours[3 * cell + 2] ?? 0)
  }
  return {
    brightness: sum / (3 * area),
    background: (background[0] + background[1] + background[2]) / 3,
    aspect: (box.x1 - box.x0) / (box.y1 - box.y0),
    bagShare: area / bag.length,
  }
}
