// Connected parts of a mask, 8-connected.

/** One part; its box in cells, ends exclusive. */
export interface Part {
  area: number
  x0: number
  y0: number
  x1: number
  y1: number
}

/** Labels every cell that is not 0 with its part's number, from 1 on (row by row, by each part's first cell); 0 stays 0. `parts[0]` is part 1. */
export function components(mask: Uint8Array, width: number, height: number): { labels: Int32Array; parts: Part[] } {
  const labels = new Int32Array(mask.length)
  // Each cell is pushed once at most.
  const stack = new Int32Array(mask.length)
  const parts: Part[] = []
  for (let seed = 0; seed < mask.length; seed += 1) {
    if (mask[seed] === 0 || labels[seed] !== 0) continue
    const part: Part = { area: 0, x0: width, y0: height, x1: 0, y1: 0 }
    parts.push(part)
    labels[seed] = parts.length
    stack[0] = seed
    for (let waiting = 1; waiting > 0;) {
      waiting -= 1
      const cell = stack[waiting] ?? 0
      const row = Math.floor(cell / width)
      const column = cell - row * width
      part.area += 1
      if (column < part.x0) part.x0 = column
      if (column >= part.x1) part.x1 = column + 1
      if (row < part.y0) part.y0 = row
      if (row >= part.y1) part.y1 = row + 1
      const left = column > 0 ? -1 : 0
      const right = column < width - 1 ? 1 : 0
      const last = row < height - 1 ? cell + width : cell
      for (let line = row > 0 ? cell - width : cell; line <= last; line += width)
        for (let near = line + left; near <= line + right; near += 1)
          if (mask[near] !== 0 && labels[near] === 0) {
            labels[near] = parts.length
            stack[waiting] = near
            waiting += 1
          }
    }
  }
  return { labels, parts }
}
