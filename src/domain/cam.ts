// Class activation maps: the three levels fused, the peak, and its way back to the original scan (docs/MODEL_CONTRACT.md). Pure.
import type { Point } from '../shared/bag'
import { fromLogOdds } from './prior-shift'

/** A map of one class: row by row, `values.length = width · height`, in logit units. */
export interface ActivationMap {
  width: number
  height: number
  values: Float32Array
}

/** Where the bag's crop lies in the original, and where in the network's padded square. All in whole pixels. */
export interface Placement {
  original: { width: number; height: number }
  /** crop in the original, ends exclusive */
  box: { x0: number; y0: number; x1: number; y1: number }
  /** the network's input side S */
  side: number
  /** left and top padding in the square */
  offset: { x: number; y: number }
  /** the resized crop inside the square */
  size: { width: number; height: number }
}

/**
 * Bilinear value at fractions (x, y) of the map, cell centres at half-integers, edges held: what `align_corners = False` does in PyTorch.
 */
export function sample(map: ActivationMap, x: number, y: number): number {
  const column = Math.min(Math.max(x * map.width - 0.5, 0), map.width - 1)
  const row = Math.min(Math.max(y * map.height - 0.5, 0), map.height - 1)
  const left = Math.floor(column)
  const top = Math.floor(row)
  const right = Math.min(left + 1, map.width - 1)
  const bottom = Math.min(top + 1, map.height - 1)
  const at = (c: number, r: number): number => map.values[r * map.width + c] ?? Number.NaN
  const across = column - left
  const upper = at(left, top) * (1 - across) + at(right, top) * across
  const lower = at(left, bottom) * (1 - across) + at(right, bottom) * across
  const down = row - top
  return upper * (1 - down) + lower * down
}

/** Mean of the levels' maps of one class, each resized bilinearly to the first (finest) one's grid. Throws RangeError without a level. */
export function fuseMaps(levels: readonly ActivationMap[]): ActivationMap {
  const first = levels[0]
  if (first === undefined) throw new RangeError('no level to fuse')
  const { width, height } = first
  const values = new Float32Array(width * height)
  for (let row = 0; row < height; row += 1)
    for (let column = 0; column < width; column += 1) {
      let sum = 0
      for (const level of levels) sum += sample(level, (column + 0.5) / width, (row + 0.5) / height)
      values[row * width + column] = sum / levels.length
    }
  return { width, height, values }
}

/** Centre of the largest cell as fractions of the map; of equals the first, row by row. Throws RangeError where a cell is not finite. */
export function peakOf(map: ActivationMap): Point {
  let best = 0
  map.values.forEach((value, index) => {
    if (!Number.isFinite(value)) throw new RangeError('the map holds a value that is not finite')
    if (value > (map.values[best] ?? Number.NEGATIVE_INFINITY)) best = index
  })
  return { x: ((best % map.width) + 0.5) / map.width, y: (Math.floor(best / map.width) + 0.5) / map.height }
}

/** A point of the padded square as fractions of the original, before clipping. */
function unclipped(x: number, y: number, { original, box, side, offset, size }: Placement): Point {
  return {
    x: (box.x0 + ((x * side - offset.x) / size.width) * (box.x1 - box.x0)) / original.width,
    y: (box.y0 + ((y * side - offset.y) / size.height) * (box.y1 - box.y0)) / original.height,
  }
}

const clip = (fraction: number): number => Math.min(1, Math.max(0, fraction))

/** Fractions of the square → fractions of the original, clipped to [0, 1]: a peak on the padding lands on the scan's edge. */
export function toOriginal(point: Point, placement: Placement): Point {
  const { x, y } = unclipped(point.x, point.y, placement)
  return { x: clip(x), y: clip(y) }
}

/** Fractions of the original → fractions of the square (not clipped: outside the crop they leave the bag's part of it). */
export function fromOriginal({ x, y }: Point, { original, box, side, offset, size }: Placement): Point {
  return {
    x: (((x * original.width - box.x0) / (box.x1 - box.x0)) * size.width + offset.x) / side,
    y: (((y * original.height - box.y0) / (box.y1 - box.y0)) * size.height + offset.y) / side,
  }
}

/** Size of a heatmap tile: the original's aspect ratio, longest side at most `longest` px, each side at least 1. */
export function tileSize({ width, height }: Placement['original'], longest = 256): { width: number; height: number } {
  const scale = Math.min(1, longest / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/**
 * A class's heatmap over the whole original: 255 · sigmoid(fused map), bilinear between cells, 0 outside the crop.
 * Row by row, as `tileSize` says.
 */
export function heatmapTile(fused: ActivationMap, placement: Placement, longest = 256): Uint8Array {
  const { original, box } = placement
  const heat: ActivationMap = { ...fused, values: fused.values.map(fromLogOdds) }
  const { width, height } = tileSize(original, longest)
  const tile = new Uint8Array(width * height)
  for (let row = 0; row < height; row += 1) {
    const y = (row + 0.5) / height
    if (y * original.height < box.y0 || y * original.height >= box.y1) continue
    for (let column = 0; column < width; column += 1) {
      const x = (column + 0.5) / width
      if (x * original.width < box.x0 || x * original.width >= box.x1) continue
      const inSquare = fromOriginal({ x, y }, placement)
      tile[row * width + column] = Math.round(255 * sample(heat, inSquare.x, inSquare.y))
    }
  }
  return tile
}
