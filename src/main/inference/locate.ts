// Steps 2–6 of bag-1: the background's colour and the bag's box, in integer arithmetic so that Python finds the same (training/lanescope/preprocess.py).
import type { Placement } from '../../domain/cam'
import type { ImageStatistics } from '../../shared/bag'
import { BadScan } from './bad-scan'
import type { Pixels } from './bmp'
import { kernel, layOut, STRIP } from './kernel'

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
export interface Cells {
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
  const { colours } = cells
  let area = 0
  let sum = 0
  for (let cell = 0; cell < bag.length; cell += 1) {
    if (bag[cell] === 0) continue
    area += 1
    sum += (colours[3 * cell] ?? 0) + (colours[3 * cell + 1] ?? 0) + (colours[3 * cell + 2] ?? 0)
  }
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

/** Step 2: cells and their colours. Throws BadScan where the image has not a whole cell. */
export function grid({ width, height, data }: Pixels): Cells {
  const k = Math.ceil(Math.max(width, height) / GRID)
  const columns = Math.floor(width / k)
  const rows = Math.floor(height / k)
  if (columns === 0 || rows === 0)
    throw new BadScan('There is no bag to see: the image is narrower than one cell of the search grid.')
  const sums = new Uint32Array(columns * rows * 3)
  const stride = 3 * width
  // Sums of 16 bits hold 257 rows.
  const most = Math.min(k, 257, Math.max(1, Math.floor(STRIP / stride)))
  const [strip = 0, added = 0] = layOut([most * stride, 2 * stride])
  const memory = new Uint8Array(kernel.memory.buffer)
  const column = new Uint16Array(kernel.memory.buffer, added, stride)
  for (let y = 0; y < rows * k;) {
    const cellRow = Math.floor(y / k)
    const lines = Math.min(most, (cellRow + 1) * k - y)
    memory.set(data.subarray(y * stride, (y + lines) * stride), strip)
    kernel.sum(strip, lines, stride, added)
    addAcross(column, k, sums.subarray(3 * cellRow * columns, 3 * (cellRow + 1) * columns))
    y += lines
  }
  const n = k * k
  const colours = new Uint8Array(sums.length)
  for (let i = 0; i < sums.length; i += 1) colours[i] = Math.floor((2 * (sums[i] ?? 0) + n) / (2 * n))
  return { width: columns, height: rows, k, colours }
}

/** Adds up each `k` neighbours of a row of sums (RGB) into its cell. */
function addAcross(row: Uint16Array, k: number, cells: Uint32Array): void {
  let at = 0
  for (let cell = 0; cell < cells.length; cell += 3) {
    let r = 0
    let g = 0
    let b = 0
    for (let x = 0; x < k; x += 1, at += 3) {
      r += row[at] ?? 0
      g += row[at + 1] ?? 0
      b += row[at + 2] ?? 0
    }
    cells[cell] = (cells[cell] ?? 0) + r
    cells[cell + 1] = (cells[cell + 1] ?? 0) + g
    cells[cell + 2] = (cells[cell + 2] ?? 0) + b
  }
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
  // Each cell is pushed once at most.
  const stack = new Int32Array(cells)
  for (let seed = 0; seed < cells; seed += 1) {
    if (labels[seed] !== -1) continue
    const label = areas.length
    let area = 0
    let waiting = 1
    labels[seed] = label
    stack[0] = seed
    while (waiting > 0) {
      waiting -= 1
      const cell = stack[waiting] ?? 0
      area += 1
      const row = Math.floor(cell / width)
      const column = cell - row * width
      const [left, right] = [column > 0 ? -1 : 0, column < width - 1 ? 1 : 0]
      const [up, down] = [row > 0 ? -width : 0, row < height - 1 ? width : 0]
      for (let line = cell + up; line <= cell + down; line += width)
        for (let near = line + left; near <= line + right; near += 1)
          if (labels[near] === -1) {
            labels[near] = label
            stack[waiting] = near
            waiting += 1
          }
    }
    areas.push(area)
  }
  let largest = 0
  for (const area of areas) largest = Math.max(largest, area)
  if (largest === 0 || 200 * largest < cells) throw new BadScan('There is no bag to see: nothing stands out from the background.')
  const bag = new Uint8Array(cells)
  for (let cell = 0; cell < cells; cell += 1) if (100 * (areas[labels[cell] ?? 0] ?? 0) >= 6 * largest) bag[cell] = 1
  return bag
}

/** Step 6. */
function boxOf({ width, height, k }: Cells, bag: Uint8Array, image: Pixels): Placement['box'] {
  let left = width
  let right = -1
  let top = height
  let bottom = -1
  for (let row = 0, cell = 0; row < height; row += 1)
    for (let column = 0; column < width; column += 1, cell += 1) {
      if (bag[cell] === 0) continue
      left = Math.min(left, column)
      right = Math.max(right, column)
      top = Math.min(top, row)
      bottom = row
    }
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
  let widest = 0
  const [low, high] = [new Uint8Array(3).fill(255), new Uint8Array(3)]
  for (let cell = 0; cell < bag.length; cell += 1) {
    if (bag[cell] === 0) continue
    let least = 255
    let most = 0
    for (let channel = 0; channel < 3; channel += 1) {
      const value = colours[3 * cell + channel] ?? 0
      least = Math.min(least, value)
      most = Math.max(most, value)
      low[channel] = Math.min(low[channel] ?? 0, value)
      high[channel] = Math.max(high[channel] ?? 0, value)
      widest = Math.max(widest, (high[channel] ?? 0) - (low[channel] ?? 0))
    }
    mostColour = Math.max(mostColour, most - least)
  }
  if (widest < GREY) throw new BadScan('There is no bag to see: the picture is one flat colour.')
  if (mostColour < GREY)
    throw new BadScan('The picture has no colour (grayscale saved as RGB): the network reads dual-energy pseudo-colour.')
}
