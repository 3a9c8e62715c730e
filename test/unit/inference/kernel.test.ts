// The WebAssembly loops against the same arithmetic in plain words: bit for bit, whatever the size.
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compiledKernel } from '../../../scripts/kernel'
import type { Pixels } from '../../../src/main/inference/bmp'
import { grid } from '../../../src/main/inference/grid'
import { resize } from '../../../src/main/inference/resize'

test('the committed module is what its source compiles to', async () => {
  const committed = readFileSync(join(import.meta.dirname, '../../../src/main/inference/kernel-wasm.ts'), 'utf8')
  expect(committed, 'npm run kernel').toBe(await compiledKernel())
})

/** Pixels that reach both ends of the range, so that rounding and clipping count. */
function noise(width: number, height: number, seed: number): Pixels {
  let state = seed | 1
  const data = new Uint8Array(3 * width * height)
  for (let at = 0; at < data.length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    data[at] = state >> 30 === 0 ? 0 : state >>> 30 === 3 ? 255 : state >>> 24
  }
  return { width, height, data }
}

/** One line of samples by Pillow's fixed-point Lanczos: weights of 22 bits, a half added, cut off, clipped. */
function lineTo(size: number, line: readonly number[]): number[] {
  const scale = line.length / size
  const widen = Math.max(1, scale)
  const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
  return Array.from({ length: size }, (_, out) => {
    const centre = (out + 0.5) * scale
    const from = Math.max(0, Math.trunc(centre - 3 * widen + 0.5))
    const to = Math.min(line.length, Math.trunc(centre + 3 * widen + 0.5))
    const weights = line.slice(from, to).map((_, i) => {
      const x = (from + i - centre + 0.5) / widen
      return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0
    })
    const all = weights.reduce((a, b) => a + b, 0)
    const sum = weights.reduce((a, weight, i) => {
      const fixed = (weight / all) * 2 ** 22
      return a + Math.trunc(fixed + (fixed < 0 ? -0.5 : 0.5)) * (line[from + i] ?? 0)
    }, 2 ** 21)
    return Math.min(255, Math.max(0, Math.floor(sum / 2 ** 22)))
  })
}

test('a resize is what Pillow computes, for any box and size, enlarged or reduced', () => {
  const length = fc.integer({ min: 1, max: 90 })
  fc.assert(
    fc.property(length, length, length, length, fc.nat(9), fc.nat(9), fc.nat(), (w, h, toWidth, toHeight, left, top, seed) => {
      const image = noise(w + left + 3, h + top + 2, seed)
      const box = { x0: left, y0: top, x1: left + w, y1: top + h }
      const ours = resize(image, box, { width: toWidth, height: toHeight })
      const expected = new Uint8Array(3 * toWidth * toHeight)
      for (let channel = 0; channel < 3; channel += 1) {
        const narrow = Array.from({ length: h }, (_, y) =>
          lineTo(
            toWidth,
            Array.from({ length: w }, (_, x) => image.data[3 * ((top + y) * image.width + left + x) + channel] ?? 0),
          ),
        )
        for (let x = 0; x < toWidth; x += 1)
          lineTo(
            toHeight,
            narrow.map((line) => line[x] ?? 0),
          ).forEach((value, y) => (expected[3 * (y * toWidth + x) + channel] = value))
      }
      expect(Buffer.compare(ours, expected)).toBe(0)
    }),
    { numRuns: 60 },
  )
})

test('cells of a part are those of that part alone', () => {
  const image = noise(300, 200, 7)
  const part = { x0: 7, y0: 3, x1: 290, y1: 199 }
  const alone = { width: 283, height: 196, data: new Uint8Array(3 * 283 * 196) }
  for (let y = 0; y < 196; y += 1)
    alone.data.set(image.data.subarray(3 * ((y + 3) * 300 + 7), 3 * ((y + 3) * 300 + 290)), 3 * 283 * y)
  expect(grid(image, part)).toEqual(grid(alone, { x0: 0, y0: 0, x1: 283, y1: 196 }))
})

test.each([
  [1500, 1035],
  [257, 256],
  [64, 4000],
  // cells of 259 × 259: more rows than sums of 16 bits hold at once
  [66_100, 520],
])('cells of a %d × %d picture are the rounded means of its blocks', (width, height) => {
  const image = noise(width, height, width)
  if (width > 60_000) image.data.fill(255)
  const { k, width: columns, height: rows, colours } = grid(image, { x0: 0, y0: 0, x1: width, y1: height })
  expect([k, columns, rows]).toEqual([Math.ceil(Math.max(width, height) / 256), Math.floor(width / k), Math.floor(height / k)])
  for (const [column, row] of [
    [0, 0],
    [columns - 1, rows - 1],
    [Math.floor(columns / 2), Math.floor(rows / 3)],
  ] as const)
    for (let channel = 0; channel < 3; channel += 1) {
      let sum = 0
      for (let y = row * k; y < (row + 1) * k; y += 1)
        for (let x = column * k; x < (column + 1) * k; x += 1) sum += image.data[3 * (y * width + x) + channel] ?? 0
      expect(colours[3 * (row * columns + column) + channel]).toBe(Math.floor((2 * sum + k * k) / (2 * k * k)))
    }
})
