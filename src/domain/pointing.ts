// Where a map points: the paper's peak over scales (5.3), and what counts as a hit. training/lanescope/measure/pointing.py in TypeScript.

export interface ScoreMap {
  data: ArrayLike<number>
  width: number
  height: number
}

/** The part of a map that shows the image, in fractions of the map, where it holds padding beside it or shows more than it. */
export interface Window {
  x0: number
  y0: number
  x1: number
  y1: number
}
const WHOLE: Window = { x0: 0, y0: 0, x1: 1, y1: 1 }

/** Bilinear resize of a map's window, half-pixel centres, edges of the map clamped: row-major [height * width]. */
export function resizeMap(map: ScoreMap, height: number, width: number, window: Window = WHOLE): Float64Array {
  const xs = taps(map.width, width, window.x0, window.x1)
  const ys = taps(map.height, height, window.y0, window.y1)
  const out = new Float64Array(width * height)
  const cell = (y: number, x: number): number => map.data[y * map.width + x] ?? NaN
  let o = 0
  for (const y of ys)
    for (const x of xs) {
      const left = cell(y.low, x.low) * (1 - y.share) + cell(y.high, x.low) * y.share
      const right = cell(y.low, x.high) * (1 - y.share) + cell(y.high, x.high) * y.share
      out[o++] = left * (1 - x.share) + right * x.share
    }
  return out
}

function taps(source: number, target: number, from: number, to: number): { low: number; high: number; share: number }[] {
  return Array.from({ length: target }, (_, i) => {
    const at = from + ((i + 0.5) / target) * (to - from)
    const position = Math.min(Math.max(at * source - 0.5, 0), source - 1)
    const low = Math.floor(position)
    return { low, high: Math.min(low + 1, source - 1), share: position - low }
  })
}

/** Values this near the highest (relative, or absolute below 1) count as one flat spot, whatever the rounding. */
const PLATEAU = 1e-6

/** A peak in fractions of the image, and how high it is. */
export interface Peak {
  x: number
  y: number
  value: number
}

/**
 * The paper's pointing peak (5.3): the levels' maps at the image's size (pixels), maximum over them, its highest spot. `window`: the part of
 * the maps that shows the image. Beyond the outermost cells' centres a resized map is flat up to the edge; of such a flat spot the pixel
 * nearest to the middle is taken, which is the cell's centre: the first one would lie on the scan's edge.
 */
export function peakOverScales(maps: readonly ScoreMap[], height: number, width: number, window: Window = WHOLE): Peak {
  const best = new Float64Array(width * height).fill(-Infinity)
  for (const map of maps) {
    const resized = resizeMap(map, height, width, window)
    for (let i = 0; i < best.length; i += 1) best[i] = Math.max(best[i] ?? NaN, resized[i] ?? NaN)
  }
  const top = best.reduce((a, b) => Math.max(a, b), -Infinity)
  const least = top - PLATEAU * Math.max(1, Math.abs(top))
  let [x, y, nearest] = [0, 0, Infinity]
  for (let i = 0; i < best.length; i += 1) {
    if (!((best[i] ?? NaN) >= least)) continue
    const [column, row] = [i % width, Math.floor(i / width)]
    const distance = (2 * column + 1 - width) ** 2 + (2 * row + 1 - height) ** 2
    if (distance < nearest) [x, y, nearest] = [column, row, distance]
  }
  return { x: (x + 0.5) / width, y: (y + 0.5) / height, value: top }
}

export interface Box {
  xmin: number
  ymin: number
  xmax: number
  ymax: number
}

/** Whether a point lies in one of the boxes, edges included, all in one unit. */
export function inAnyBox(x: number, y: number, boxes: readonly Box[]): boolean {
  return boxes.some((b) => b.xmin <= x && x <= b.xmax && b.ymin <= y && y <= b.ymax)
}
