// Steps 5 and 6 of bag-2: what stands out from the ground, without specks and lines along the rim, gathered into bags.
import { components, type Part } from './components'
import type { Cells } from './grid'
import type { Colour } from './ground'

/** A cell counts as bag when a channel passes less than 1 − 20 / 255 of what the ground passes. */
const DARKER = 20
/** Components under one cell in so many are specks. */
const SPECK = 2000
/** A group under 1 / SMALL of the largest belongs to a larger one within long side / REACH cells. */
const SMALL = 10
const REACH = 16
const MOST_BAGS = 8

/** Step 5: 1 for each cell of a bag. */
export function bagCells({ colours, width, height }: Cells, ground: Colour): Uint8Array {
  const darker = new Uint8Array(width * height)
  // 255 · (ground − cell) > 20 · ground, solved for the cell once a channel
  const limit = ground.map((value) => value - Math.floor((DARKER * value) / 255))
  const [red = 0, green = 0, blue = 0] = limit
  for (let cell = 0, at = 0; cell < darker.length; cell += 1, at += 3)
    if ((colours[at] ?? 0) < red || (colours[at + 1] ?? 0) < green || (colours[at + 2] ?? 0) < blue) darker[cell] = 1
  const { labels, parts } = components(darker, width, height)
  const inner = new Uint8Array(parts.length + 1)
  for (let row = 2; row < height - 2; row += 1)
    for (let cell = row * width + 2; cell < (row + 1) * width - 2; cell += 1) inner[labels[cell] ?? 0] = 1
  const keep = new Uint8Array(parts.length + 1)
  parts.forEach(({ area, x0, y0, x1, y1 }, i) => {
    const line = inner[i + 1] === 0 && (10 * (x1 - x0) >= 9 * width || 10 * (y1 - y0) >= 9 * height)
    if (SPECK * area >= darker.length && !line) keep[i + 1] = 1
  })
  for (let cell = 0; cell < darker.length; cell += 1) darker[cell] = keep[labels[cell] ?? 0] ?? 0
  return darker
}

/** Step 6: bags in cells, largest first, before they are grown; none where there is no bag cell. */
export function bagsOf(bag: Uint8Array, width: number, height: number): Part[] {
  const { labels, parts } = components(widened(bag, width, height), width, height)
  // Box and area are those of the bag cells themselves.
  const groups = parts.map((): Part => ({ area: 0, x0: width, y0: height, x1: 0, y1: 0 }))
  for (let row = 0, cell = 0; row < height; row += 1)
    for (let column = 0; column < width; column += 1, cell += 1) {
      const group = bag[cell] === 0 ? undefined : groups[(labels[cell] ?? 0) - 1]
      if (group === undefined) continue
      group.area += 1
      if (column < group.x0) group.x0 = column
      if (column >= group.x1) group.x1 = column + 1
      if (row < group.y0) group.y0 = row
      if (row >= group.y1) group.y1 = row + 1
    }
  groups.sort(byAreaThenPlace)
  const reach = Math.floor(Math.max(width, height) / REACH)
  for (let pair = nextToJoin(groups, reach); pair !== null; pair = nextToJoin(groups, reach)) {
    const [mine, other] = pair
    groups.splice(groups.indexOf(mine), 1)
    groups[groups.indexOf(other)] = joined(mine, other)
    groups.sort(byAreaThenPlace)
  }
  return groups
}

function widened(mask: Uint8Array, width: number, height: number): Uint8Array {
  const wide = new Uint8Array(mask.length)
  for (let row = 0, cell = 0; row < height; row += 1)
    for (let column = 0; column < width; column += 1, cell += 1) {
      if (mask[cell] === 0) continue
      const [left, right] = [Math.max(0, column - 1), Math.min(width - 1, column + 1)]
      for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y += 1)
        wide.fill(1, y * width + left, y * width + right + 1)
    }
  return wide
}

const byAreaThenPlace = (a: Part, b: Part): number => b.area - a.area || a.x0 - b.x0 || a.y0 - b.y0 || a.x1 - b.x1 || a.y1 - b.y1

/** Two groups that are one bag, the smaller first; null where all are bags of their own. The smallest is tried first. */
function nextToJoin(groups: readonly Part[], reach: number): [Part, Part] | null {
  const largest = groups[0]
  if (largest === undefined) return null
  for (let i = groups.length - 1; i > 0; i -= 1) {
    const mine = groups[i] ?? largest
    const larger = groups.slice(0, i)
    const round = larger.find((other) => within(mine, other))
    if (round !== undefined) return [mine, round]
    const nearest = larger.reduce((best, other) => (gap(mine, other) < gap(mine, best) ? other : best), largest)
    const belongs = SMALL * mine.area < largest.area && gap(mine, nearest) <= reach
    if (belongs || groups.length > MOST_BAGS) return [mine, nearest]
  }
  return null
}

/** Whether half of a box or more lies in the other's. */
function within(a: Part, b: Part): boolean {
  const w = Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0)
  const h = Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0)
  return w > 0 && h > 0 && 2 * w * h >= (a.x1 - a.x0) * (a.y1 - a.y0)
}

/** Cells between two boxes along the worse axis; 0 where they touch or overlap. */
const gap = (a: Part, b: Part): number =>
  Math.max(0, Math.max(a.x0, b.x0) - Math.min(a.x1, b.x1), Math.max(a.y0, b.y0) - Math.min(a.y1, b.y1))

const joined = (a: Part, b: Part): Part => ({
  area: a.area + b.area,
  x0: Math.min(a.x0, b.x0),
  y0: Math.min(a.y0, b.y0),
  x1: Math.max(a.x1, b.x1),
  y1: Math.max(a.y1, b.y1),
})
