// Step 7 of bag-1: Lanczos-3 with anti-aliasing, in the fixed-point arithmetic that Pillow uses, so that both sides get the same bytes.
// The arithmetic runs in WebAssembly with SIMD (kernel.wat).
// Why not sharp's: libvips shrinks in two steps and rounds otherwise; near scale 1 its squares differed by more than 1/255 in the mean.
import type { Placement } from '../../domain/cam'
import type { Pixels } from './bmp'
import { kernel, layOut, STRIP } from './kernel'

const LOBES = 3
/** Fractional bits of a weight: 8 bits of pixel and 2 spare ones make 32. */
const BITS = 22

/** Records for the kernel, one an output position: first source byte, taps, weights (fixed-point, unused ones 0). */
interface Table {
  records: Int32Array
  /** bytes a record */
  record: number
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
const lanczos = (x: number): number => (x >= -LOBES && x < LOBES ? sinc(x) * sinc(x / LOBES) : 0)

/** Weights for `length` source pixels, `step` bytes apart → `size` output pixels; the kernel widens when shrinking (anti-aliasing). */
function tableFor(length: number, size: number, step: number): Table {
  const scale = length / size
  const widen = Math.max(1, scale)
  const support = LOBES * widen
  const fields = 2 + Math.ceil(support) * 2 + 1
  const records = new Int32Array(size * fields)
  const raw = new Float64Array(fields)
  for (let out = 0; out < size; out += 1) {
    const centre = (out + 0.5) * scale
    const from = Math.max(0, Math.trunc(centre - support + 0.5))
    const count = Math.min(length, Math.trunc(centre + support + 0.5)) - from
    let sum = 0
    for (let i = 0; i < count; i += 1) {
      const weight = lanczos((from + i - centre + 0.5) / widen)
      raw[i] = weight
      sum += weight
    }
    const record = out * fields
    records[record] = from * step
    records[record + 1] = count
    for (let i = 0; i < count; i += 1) {
      const fixed = ((raw[i] ?? 0) / sum) * (1 << BITS)
      records[record + 2 + i] = Math.trunc(fixed + (fixed < 0 ? -0.5 : 0.5))
    }
  }
  return { records, record: 4 * fields }
}

/**
 * Resizes the box of an image to `size`: rows first, then columns, rounded to 8 bits between. RGB, 8 bits a channel, row by row.
 */
export function resize(image: Pixels, box: Placement['box'], size: Placement['size']): Uint8Array {
  const [width, height] = [box.x1 - box.x0, box.y1 - box.y0]
  const stride = 3 * size.width
  const rows = tableFor(width, size.width, 3)
  const columns = tableFor(height, size.height, stride)

  // What lies where in the kernel's memory: two tables, a strip of source rows, the picture between the passes, the output.
  const lines = Math.min(height, Math.max(1, Math.floor(STRIP / (3 * width))))
  const lengths = [4 * rows.records.length, 4 * columns.records.length, lines * 3 * width, height * stride, size.height * stride]
  const [rowTable = 0, columnTable = 0, strip = 0, narrow = 0, output = 0] = layOut(lengths)
  new Int32Array(kernel.memory.buffer, rowTable).set(rows.records)
  new Int32Array(kernel.memory.buffer, columnTable).set(columns.records)
  const memory = new Uint8Array(kernel.memory.buffer)
  for (let first = 0; first < height; first += lines) {
    const some = Math.min(lines, height - first)
    for (let line = 0; line < some; line += 1) {
      const at = 3 * ((box.y0 + first + line) * image.width + box.x0)
      memory.set(image.data.subarray(at, at + 3 * width), strip + line * 3 * width)
    }
    kernel.across(strip, some, 3 * width, rowTable, rows.record, size.width, narrow + first * stride)
  }
  kernel.down(narrow, stride, columnTable, columns.record, size.height, output)
  return memory.slice(output, output + size.height * stride)
}
