// Class activation maps: the levels fused, the peak, and its way back to the original scan; several looks laid on one scan (docs/MODEL_CONTRACT.md). Pure.
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

/** How the levels become one prediction: the manifest's `fusion`. */
export type Fusion = 'logits' | 'probabilities'

/** ln σ(z), exact in both tails. */
const logSigmoid = (z: number): number => (z >= 0 ? -Math.log1p(Math.exp(-z)) : z - Math.log1p(Math.exp(z)))

/** ln Σ exp, of values that are not all −∞. */
function logSumExp(count: number, value: (i: number) => number): number {
  let most = Number.NEGATIVE_INFINITY
  for (let i = 0; i < count; i += 1) most = Math.max(most, value(i))
  let sum = 0
  for (let i = 0; i < count; i += 1) sum += Math.exp(value(i) - most)
  return most + Math.log(sum)
}

/**
 * The levels' logits as one: their mean, or the logit of the mean of their probabilities (the paper's Eqs. 5 and 6), which is never rounded to
 * 0 or 1 on the way. Throws RangeError without a level.
 */
export function fuse(levels: ArrayLike<number>, rule: Fusion): number {
  const count = levels.length
  if (count === 0) throw new RangeError('no level to fuse')
  const z = (i: number): number => levels[i] ?? Number.NaN
  if (rule === 'probabilities') return logSumExp(count, (i) => logSigmoid(z(i))) - logSumExp(count, (i) => logSigmoid(-z(i)))
  let sum = 0
  for (let i = 0; i < count; i += 1) sum += z(i)
  return sum / count
}

/** The levels' maps of one class, each resized bilinearly to the first (finest) one's grid, fused cell by cell. Throws RangeError without a level. */
export function fuseMaps(levels: readonly ActivationMap[], rule: Fusion = 'logits'): ActivationMap {
  const first = levels[0]
  if (first === undefined) throw new RangeError('no level to fuse')
  const { width, height } = first
  const values = new Float32Array(width * height)
  const cell = new Float64Array(levels.length)
  for (let row = 0; row < height; row += 1)
    for (let column = 0; column < width; column += 1) {
      levels.forEach((level, i) => (cell[i] = sample(level, (column + 0.5) / width, (row + 0.5) / height)))
      values[row * width + column] = fuse(cell, rule)
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

/** One look at a scan: a class's fused map, and where it lies. */
export interface View {
  fused: ActivationMap
  placement: Placement
}

/** For each pixel of a tile's side: the two cells that it lies between and how far it is from the first; `from` and `to` bound the look's box. */
interface Steps {
  from: number
  to: number
  first: Int32Array
  second: Int32Array
  share: Float64Array
}
function stepsAlong(
  length: number,
  box: readonly [number, number],
  original: number,
  cells: number,
  toMap: (f: number) => number,
): Steps {
  const steps: Steps = {
    // a pixel belongs to the box its centre lies in
    from: Math.max(0, Math.ceil((box[0] / original) * length - 0.5)),
    to: Math.min(length, Math.ceil((box[1] / original) * length - 0.5)),
    first: new Int32Array(length),
    second: new Int32Array(length),
    share: new Float64Array(length),
  }
  for (let i = steps.from; i < steps.to; i += 1) {
    const at = Math.min(Math.max(toMap((i + 0.5) / length) * cells - 0.5, 0), cells - 1)
    const first = Math.floor(at)
    steps.first[i] = first
    steps.second[i] = Math.min(first + 1, cells - 1)
    steps.share[i] = at - first
  }
  return steps
}

/**
 * A class's heatmap over the whole original: 255 · sigmoid(fused map), bilinear between cells, the largest of the looks that show a place, 0
 * where none does. Row by row, as `tileSize` says. Every look is of the same original; throws RangeError without one.
 */
export function heatmapTile(views: readonly View[], longest = 256): Uint8Array {
  const original = views[0]?.placement.original
  if (original === undefined) throw new RangeError('no look to show')
  const { width, height } = tileSize(original, longest)
  const tile = new Uint8Array(width * height)
  for (const { fused, placement } of views) {
    const { box } = placement
    const heat = fused.values.map(fromLogOdds)
    const across = stepsAlong(width, [box.x0, box.x1], original.width, fused.width, (x) => fromOriginal({ x, y: 0 }, placement).x)
    const down = stepsAlong(
      height,
      [box.y0, box.y1],
      original.height,
      fused.height,
      (y) => fromOriginal({ x: 0, y }, placement).y,
    )
    for (let row = down.from; row < down.to; row += 1) {
      const upper = (down.first[row] ?? 0) * fused.width
      const lower = (down.second[row] ?? 0) * fused.width
      const share = down.share[row] ?? 0
      for (let column = across.from; column < across.to; column += 1) {
        const left = across.first[column] ?? 0
        const right = across.second[column] ?? 0
        const part = across.share[column] ?? 0
        const above = (heat[upper + left] ?? 0) * (1 - part) + (heat[upper + right] ?? 0) * part
        const below = (heat[lower + left] ?? 0) * (1 - part) + (heat[lower + right] ?? 0) * part
        const value = Math.round(255 * (above * (1 - share) + below * share))
        const at = row * width + column
        if (value > (tile[at] ?? 0)) tile[at] = value
      }
    }
  }
  return tile
}
