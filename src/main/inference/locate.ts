// Steps 2–6 of bag-1: the background's colour and the bag's box, in integer arithmetic so that Python finds the same (training/lanescope/preprocess.py).
import type { Placement } from '../../domain/cam'
import type { ImageStatistics } from '../../shared/bag'
import { BadScan } from './bad-scan'
import type { Pixels } from './bmp'

const GRID = 256
const LIGHT = 200
const DARKER = 20
/** Channels of a cell that lie closer than this show no colour (JPEG noise included). */
const GREY = 8

export interface Located {
  box: Placement['box']
  /** the background's red, green and blue, 0–255 */
  background: [number, number, number]
  statistics: ImageStatistics
}
interface Cells {
  width: number
  height: number
  /** source pixels a cell's side */
  k: number
  /** RGB, rounded means */
  colours: Uint8Array
}

/** Finds the bag. Throws BadScan where nothing stands out, or what stands out can't be a pseudo-colour scan. */
export function locate(image: Pixels): Located {
  const cells = grid(image)
  const background = backgroundOf(cells)
  const bag = largeComponents(cells, background)
  refuseColourless(cells, bag)
  const box = boxOf(cells, bag, image)
  let area = 0
  let sum = 0
  bag.forEach((isBag, cell) => {
    if (isBag === 0) return
    area += 1
    for (let channel = 0; channel < 3; channel += 1) sum += cells.colours[3 * cell + channel] ?? 0
  })
  return {
    box,
    background,
    statistics: {
      brightness: sum / (3 * area),
      background: (background[0] + background[1] + background[2]) / 3,
      aspect: (box.x1 - box.x0) / (box.y1 - box.y0),
      bagShare: area / bag.length,
    },
  }
}

/** Step 2. */
function grid({ width, height, data }: Pixels): Cells {
  const k = Math.ceil(Math.max(width, height) / GRID)
  const columns = Math.floor(width / k)
  const rows = Math.floor(height / k)
  if (columns === 0 || rows === 0)
    throw new BadScan('There is no bag to see: the image is narrower than one cell of the search grid.')
  const sums = new Uint32Array(columns * rows * 3)
  for (let y = 0; y < rows * k; y += 1) {
    const cellRow = Math.floor(y / k) * columns
    let at = y * width * 3
    for (let column = 0; column < columns; column += 1) {
      let r = 0
      let g = 0
      let b = 0
      for (let x = 0; x < k; x += 1, at += 3) {
        r += data[at] ?? 0
        g += data[at + 1] ?? 0
        b += data[at + 2] ?? 0
      }
      const cell = 3 * (cellRow + column)
      sums[cell] = (sums[cell] ?? 0) + r
      sums[cell + 1] = (sums[cell + 1] ?? 0) + g
      sums[cell + 2] = (sums[cell + 2] ?? 0) + b
    }
  }
  const n = k * k
  return { width: columns, height: rows, k, colours: Uint8Array.from(sums, (sum) => Math.floor((2 * sum + n) / (2 * n))) }
}

/** Step 3. */
function backgroundOf({ colours, width, height }: Cells): [number, number, number] {
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

/** Steps 4 and 5: 1 for each cell of a component (8-connected) that has at least 6 % of the largest one's area. */
function largeComponents({ colours, width, height }: Cells, background: Located['background']): Uint8Array {
  const cells = width * height
  const labels = new Int32Array(cells)
  for (let cell = 0; cell < cells; cell += 1) {
    const darker = Math.max(
      background[0] - (colours[3 * cell] ?? 0),
      background[1] - (colours[3 * cell + 1] ?? 0),
      background[2] - (colours[3 * cell + 2] ?? 0),
    )
    labels[cell] = darker > DARKER ? -1 : 0
  }
  const areas = [0]
  const stack: number[] = []
  for (let seed = 0; seed < cells; seed += 1) {
    if (labels[seed] !== -1) continue
    const label = areas.length
    let area = 0
    labels[seed] = label
    stack.push(seed)
    for (let cell = stack.pop(); cell !== undefined; cell = stack.pop()) {
      area += 1
      const row = Math.floor(cell / width)
      const column = cell - row * width
      for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y += 1)
        for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x += 1)
          if (labels[y * width + x] === -1) {
            labels[y * width + x] = label
            stack.push(y * width + x)
          }
    }
    areas.push(area)
  }
  const largest = Math.max(...areas)
  if (largest === 0 || 200 * largest < cells) throw new BadScan('There is no bag to see: nothing stands out from the background.')
  return Uint8Array.from(labels, (label) => (label > 0 && 100 * (areas[label] ?? 0) >= 6 * largest ? 1 : 0))
}

/** Step 6. */
function boxOf({ width, height, k }: Cells, bag: Uint8Array, image: Pixels): Placement['box'] {
  let left = width
  let right = -1
  let top = height
  let bottom = -1
  bag.forEach((isBag, cell) => {
    if (isBag === 0) return
    const row = Math.floor(cell / width)
    const column = cell - row * width
    left = Math.min(left, column)
    right = Math.max(right, column)
    top = Math.min(top, row)
    bottom = Math.max(bottom, row)
  })
  // Grown by one cell each side; ends exclusive. A box that ends at the last cell takes the rest that the grid left out.
  return {
    x0: Math.max(0, left - 1) * k,
    y0: Math.max(0, top - 1) * k,
    x1: right + 2 >= width ? image.width : (right + 2) * k,
    y1: bottom + 2 >= height ? image.height : (bottom + 2) * k,
  }
}

/**
 * The app's own refusal, beyond bag-1: a "bag" without any colour (a grayscale picture saved as RGB) or of one flat colour (a blank or
 * failed capture) is no pseudo-colour scan, and a score on it would mean nothing.
 */
function refuseColourless({ colours }: Cells, bag: Uint8Array): void {
  let mostColour = 0
  const low: [number, number, number] = [255, 255, 255]
  const high: [number, number, number] = [0, 0, 0]
  bag.forEach((isBag, cell) => {
    if (isBag === 0) return
    const rgb = [colours[3 * cell] ?? 0, colours[3 * cell + 1] ?? 0, colours[3 * cell + 2] ?? 0] as const
    mostColour = Math.max(mostColour, Math.max(...rgb) - Math.min(...rgb))
    for (const channel of [0, 1, 2] as const) {
      low[channel] = Math.min(low[channel], rgb[channel])
      high[channel] = Math.max(high[channel], rgb[channel])
    }
  })
  if (high[0] - low[0] < GREY && high[1] - low[1] < GREY && high[2] - low[2] < GREY)
    throw new BadScan('There is no bag to see: the picture is one flat colour.')
  if (mostColour < GREY)
    throw new BadScan('The picture has no colour (grayscale saved as RGB): the network reads dual-energy pseudo-colour.')
}
