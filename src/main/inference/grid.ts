// Steps 2 and 3 of bag-2: the picture without a scanner's dark frame, as a grid of cells; and what no network here was trained to read.
import type { Pixels } from './bmp'
import { kernel, layOut, STRIP } from './kernel'
import type { Placement } from '../../domain/cam'

type PixelBox = Placement['box']

const GRID = 256
/** A pixel is dark when every channel is below. */
const EDGE_DARK = 64
/** At most one part in so many of a side is taken for a frame. */
const EDGE_MOST = 16

export interface Cells {
  width: number
  height: number
  /** source pixels a cell's side */
  k: number
  /** RGB, rounded means */
  colours: Uint8Array
}

/** Step 2: what is left without dark rows and columns at the rim, in pixels, ends exclusive. */
export function withoutFrame({ width, height, data }: Pixels): PixelBox {
  const dark = (from: number, step: number, count: number): boolean => {
    let found = 0
    for (let i = 0, at = 3 * from; i < count; i += 1, at += 3 * step)
      if ((data[at] ?? 0) < EDGE_DARK && (data[at + 1] ?? 0) < EDGE_DARK && (data[at + 2] ?? 0) < EDGE_DARK) found += 1
    return 5 * found >= 4 * count
  }
  // Two more lines go with a frame: the codec has blurred them.
  const frame = (length: number, isDark: (line: number) => boolean): number => {
    const most = Math.floor(length / EDGE_MOST)
    let count = 0
    while (count < most && isDark(count)) count += 1
    return count === 0 ? 0 : Math.min(count + 2, most)
  }
  const row = (y: number): boolean => dark(y * width, 1, width)
  const column = (x: number): boolean => dark(x, width, height)
  return {
    x0: frame(width, column),
    y0: frame(height, row),
    x1: width - frame(width, (x) => column(width - 1 - x)),
    y1: height - frame(height, (y) => row(height - 1 - y)),
  }
}

/** Rows above and below which a scanner's frame lies; only a frame that runs along a side too is one: dark rows alone may be missing ones. */
export function frameRows(image: Pixels): { first: number; end: number } {
  const { x0, y0, x1, y1 } = withoutFrame(image)
  return x0 > 0 || x1 < image.width ? { first: y0, end: y1 } : { first: 0, end: image.height }
}

/** Step 3: the cells of a part of the picture, and their colours. There may be none. */
export function grid({ width, data }: Pixels, { x0, y0, x1, y1 }: PixelBox): Cells {
  const k = Math.ceil(Math.max(x1 - x0, y1 - y0) / GRID)
  const columns = Math.floor((x1 - x0) / k)
  const rows = Math.floor((y1 - y0) / k)
  const colours = new Uint8Array(columns * rows * 3)
  if (colours.length === 0) return { width: columns, height: rows, k, colours }
  const sums = new Uint32Array(columns * rows * 3)
  const stride = 3 * (x1 - x0)
  // Sums of 16 bits hold 257 rows.
  const most = Math.min(k, 257, Math.max(1, Math.floor(STRIP / stride)))
  const [strip = 0, added = 0] = layOut([most * stride, 2 * stride])
  const memory = new Uint8Array(kernel.memory.buffer)
  const column = new Uint16Array(kernel.memory.buffer, added, stride)
  for (let y = 0; y < rows * k;) {
    const row = Math.floor(y / k)
    const lines = Math.min(most, (row + 1) * k - y)
    for (let line = 0; line < lines; line += 1) {
      const at = 3 * ((y0 + y + line) * width + x0)
      memory.set(data.subarray(at, at + stride), strip + line * stride)
    }
    kernel.sum(strip, lines, stride, added)
    addAcross(column, k, sums.subarray(3 * row * columns, 3 * (row + 1) * columns))
    y += lines
  }
  const n = k * k
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
