// Step 7 of bag-1: Lanczos-3 with anti-aliasing, in the fixed-point arithmetic that Pillow uses, so that both sides get the same bytes.
// Why not sharp's: libvips shrinks in two steps and rounds otherwise; near scale 1 its squares differed by more than 1/255 in the mean.
import type { Placement } from '../../domain/cam'
import type { Pixels } from './bmp'

const LOBES = 3
/** Fractional bits of a weight: 8 bits of pixel and 2 spare ones make 32. */
const BITS = 22

interface Weights {
  /** source positions that an output pixel begins at, and how many it takes */
  from: Int32Array
  count: Int32Array
  /** `longest` weights an output pixel, fixed-point, unused ones 0 */
  weights: Int32Array
  longest: number
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
const lanczos = (x: number): number => (x >= -LOBES && x < LOBES ? sinc(x) * sinc(x / LOBES) : 0)

/** Weights for `length` source pixels → `size` output pixels; the kernel widens when shrinking (anti-aliasing). */
function weightsFor(length: number, size: number): Weights {
  const scale = length / size
  const widen = Math.max(1, scale)
  const support = LOBES * widen
  const longest = Math.ceil(support) * 2 + 1
  const table: Weights = {
    from: new Int32Array(size),
    count: new Int32Array(size),
    weights: new Int32Array(size * longest),
    longest,
  }
  for (let out = 0; out < size; out += 1) {
    const centre = (out + 0.5) * scale
    const from = Math.max(0, Math.trunc(centre - support + 0.5))
    const count = Math.min(length, Math.trunc(centre + support + 0.5)) - from
    const raw = Array.from({ length: count }, (_, i) => lanczos((from + i - centre + 0.5) / widen))
    const sum = raw.reduce((a, b) => a + b, 0)
    table.from[out] = from
    table.count[out] = count
    raw.forEach((weight, i) => {
      const fixed = (weight / sum) * (1 << BITS)
      table.weights[out * longest + i] = Math.trunc(fixed + (fixed < 0 ? -0.5 : 0.5))
    })
  }
  return table
}

/**
 * Resizes the box of an image to `size`: rows first, then columns, rounded to 8 bits between. RGB, 8 bits a channel, row by row.
 */
export function resize(image: Pixels, box: Placement['box'], size: Placement['size']): Uint8Array {
  const [width, height] = [box.x1 - box.x0, box.y1 - box.y0]
  const source = image.data.subarray(3 * (box.y0 * image.width + box.x0))
  const narrow = pass(source, { across: 3, down: 3 * image.width }, height, weightsFor(width, size.width), size.width)
  const stride = 3 * size.width
  const columns = pass(narrow, { across: stride, down: 3 }, size.width, weightsFor(height, size.height), size.height)
  // The second pass leaves its output column by column: `lines` are columns there.
  const data = new Uint8Array(size.width * size.height * 3)
  for (let x = 0; x < size.width; x += 1)
    for (let y = 0; y < size.height; y += 1) {
      const from = 3 * (x * size.height + y)
      const to = 3 * (y * size.width + x)
      data[to] = columns[from] ?? 0
      data[to + 1] = columns[from + 1] ?? 0
      data[to + 2] = columns[from + 2] ?? 0
    }
  return data
}

/** Resizes each of `lines` lines along `across` (bytes from pixel to pixel; `down` from line to line); output is line by line. */
function pass(
  source: Uint8Array,
  step: { across: number; down: number },
  lines: number,
  table: Weights,
  size: number,
): Uint8Array {
  const { from, count, weights, longest } = table
  const { across, down } = step
  // Uint8ClampedArray would round; Pillow cuts off after adding a half, and clips.
  const output = new Uint8Array(lines * size * 3)
  const half = 1 << (BITS - 1)
  let to = 0
  for (let line = 0; line < lines; line += 1)
    for (let out = 0; out < size; out += 1, to += 3) {
      let r = half
      let g = half
      let b = half
      let at = line * down + (from[out] ?? 0) * across
      const end = out * longest + (count[out] ?? 0)
      for (let i = out * longest; i < end; i += 1, at += across) {
        const weight = weights[i] ?? 0
        r += (source[at] ?? 0) * weight
        g += (source[at + 1] ?? 0) * weight
        b += (source[at + 2] ?? 0) * weight
      }
      output[to] = clip(r >> BITS)
      output[to + 1] = clip(g >> BITS)
      output[to + 2] = clip(b >> BITS)
    }
  return output
}

const clip = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value)
