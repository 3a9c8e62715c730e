// Where on its canvas a scan has something to see: the screen is fitted to that, not to the white round it.
import type { Region } from '../../shared/bag'

/** Longest side of the small picture that is searched, pixels. */
export const SEARCHED = 256
const LIGHT = 200
const DARKER = 20
/** Room left round what was found, as a fraction of the searched side. */
const ROOM = 0.02
/** A bag smaller than this share of the canvas's side is not blown up further: a speck must look like one. */
const LEAST = 0.2

/**
 * The box of all that differs from the scan's background, with a little room, as fractions of the scan. The background is the commonest
 * light colour, as in bag-1 (docs/MODEL_CONTRACT.md); unlike there nothing is left out for being small, only single pixels that touch no
 * other (noise): what lies beside a bag stays in the fitted view. The whole canvas where nothing differs. `rgba`: width · height pixels.
 */
export function bagBox(rgba: Uint8ClampedArray, width: number, height: number): Region {
  const background = commonestLight(rgba)
  const at = (x: number, y: number): boolean => {
    if (x < 0 || y < 0 || x >= width || y >= height) return false
    const i = 4 * (y * width + x)
    return background.some((value, channel) => value - (rgba[i + channel] ?? 0) > DARKER)
  }
  let [left, right, top, bottom] = [width, -1, height, -1]
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (x >= left && x <= right && y >= top && y <= bottom) continue
      if (!at(x, y) || !touches(at, x, y)) continue
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
    }
  if (right < 0) return { x: 0, y: 0, width: 1, height: 1 }
  const room = ROOM * Math.max(width, height)
  const [x, w] = span(left - room, right + 1 + room, width)
  const [y, h] = span(top - room, bottom + 1 + room, height)
  return { x, y, width: w, height: h }
}

const touches = (at: (x: number, y: number) => boolean, x: number, y: number): boolean =>
  at(x - 1, y) ||
  at(x + 1, y) ||
  at(x, y - 1) ||
  at(x, y + 1) ||
  at(x - 1, y - 1) ||
  at(x + 1, y - 1) ||
  at(x - 1, y + 1) ||
  at(x + 1, y + 1)

/** From and length as fractions of `n`, inside it and no shorter than LEAST. */
function span(from: number, to: number, n: number): [from: number, length: number] {
  const length = Math.max(LEAST, Math.min(1, (Math.min(n, to) - Math.max(0, from)) / n))
  const middle = (Math.min(n, to) + Math.max(0, from)) / (2 * n)
  return [Math.min(1 - length, Math.max(0, middle - length / 2)), length]
}

/** The commonest value of each channel among light pixels; white where fewer than one in a hundred is light. */
function commonestLight(rgba: Uint8ClampedArray): number[] {
  const counts = [0, 1, 2].map(() => new Uint32Array(256))
  let light = 0
  for (let i = 0; i < rgba.length; i += 4) {
    if (Math.min(rgba[i] ?? 0, rgba[i + 1] ?? 0, rgba[i + 2] ?? 0) < LIGHT) continue
    light++
    for (const [channel, count] of counts.entries()) {
      const value = rgba[i + channel] ?? 0
      count[value] = (count[value] ?? 0) + 1
    }
  }
  if (400 * light < rgba.length) return [255, 255, 255]
  return counts.map((count) => count.lastIndexOf(count.reduce((a, b) => Math.max(a, b), 0)))
}
