// Step 4 of bag-2: the colour that bags lie on. White, grey or tinted: the commonest light, near-grey, flat colour, most of all at the rim.
import { BadScan } from './bad-scan'
import type { Cells } from './grid'

/** A cell is flat when its right and lower neighbours differ from it by no more in any channel. */
const FLAT = 4
/** Ground is light (smallest channel) and near grey (largest less smallest channel). */
const LIGHT = 128
const GREY = 48
/** Cells this near to the commonest colour vote on the ground's exact value. */
const NEAR = 12
/** The ground covers at least one cell in so many. */
const SHARE = 200
/** Votes of a cell in the two outermost rows and columns. */
const RIM = 4

export type Colour = [number, number, number]

/** The ground's red, green and blue. Throws BadScan where none can be told: what lies on it can't be told from it then. */
export function groundOf({ colours, width, height }: Cells): Colour {
  const voting = votingCells({ colours, width, height })
  const counts = new Uint32Array(32 ** 3)
  for (const cell of voting) {
    const row = Math.floor(cell / width)
    const column = cell - row * width
    const bin = binOf(colours, 3 * cell)
    counts[bin] = (counts[bin] ?? 0) + (row < 2 || column < 2 || row >= height - 2 || column >= width - 2 ? RIM : 1)
  }
  let best = counts.length - 1
  for (let bin = best; bin >= 0; bin -= 1) if ((counts[bin] ?? 0) > (counts[best] ?? 0)) best = bin
  const centre: Colour = [8 * (best >> 10) + 4, 8 * ((best >> 5) & 31) + 4, 8 * (best & 31) + 4]
  const near = voting.filter((cell) => isNear(colours, 3 * cell, centre))
  const ground: Colour = [commonest(colours, near, 0), commonest(colours, near, 1), commonest(colours, near, 2)]
  let covered = 0
  for (let at = 0; at < colours.length; at += 3) if (isNear(colours, at, ground)) covered += 1
  if (near.length === 0 || SHARE * covered < width * height)
    throw new BadScan('No ground can be told: what the picture shows cannot be told from what it lies on.')
  return ground
}

/** Flat cells that are light and near grey. */
function votingCells({ colours, width, height }: Pick<Cells, 'colours' | 'width' | 'height'>): Int32Array {
  const voting = new Int32Array(width * height)
  let found = 0
  for (let row = 0; row < height - 1; row += 1)
    for (let column = 0; column < width - 1; column += 1) {
      const cell = row * width + column
      const at = 3 * cell
      const r = colours[at] ?? 0
      const g = colours[at + 1] ?? 0
      const b = colours[at + 2] ?? 0
      const low = Math.min(r, g, b)
      if (low < LIGHT || Math.max(r, g, b) - low > GREY) continue
      if (!isFlat(colours, at, at + 3) || !isFlat(colours, at, at + 3 * width)) continue
      voting[found] = cell
      found += 1
    }
  return voting.subarray(0, found)
}

function isFlat(colours: Uint8Array, a: number, b: number): boolean {
  return (
    Math.abs((colours[a] ?? 0) - (colours[b] ?? 0)) <= FLAT &&
    Math.abs((colours[a + 1] ?? 0) - (colours[b + 1] ?? 0)) <= FLAT &&
    Math.abs((colours[a + 2] ?? 0) - (colours[b + 2] ?? 0)) <= FLAT
  )
}

const isNear = (colours: Uint8Array, at: number, [r, g, b]: Colour): boolean =>
  Math.abs((colours[at] ?? 0) - r) <= NEAR &&
  Math.abs((colours[at + 1] ?? 0) - g) <= NEAR &&
  Math.abs((colours[at + 2] ?? 0) - b) <= NEAR

/** A colour's bin of 8 levels a channel. */
const binOf = (colours: Uint8Array, at: number): number =>
  ((colours[at] ?? 0) >> 3) * 1024 + ((colours[at + 1] ?? 0) >> 3) * 32 + ((colours[at + 2] ?? 0) >> 3)

/** The most frequent value of a channel among cells; of equals the larger. */
function commonest(colours: Uint8Array, cells: Int32Array, channel: number): number {
  const counts = new Uint32Array(256)
  for (const cell of cells) {
    const value = colours[3 * cell + channel] ?? 0
    counts[value] = (counts[value] ?? 0) + 1
  }
  let best = 255
  for (let value = 254; value >= 0; value -= 1) if ((counts[value] ?? 0) > (counts[best] ?? 0)) best = value
  return best
}
