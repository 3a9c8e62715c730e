// The one rule for a fourth band (alpha, or of no stated kind), the same in training/lanescope/preprocess.py: it may never hide anything.
import { BadScan } from './bad-scan'

/** What a fourth band is to the picture. */
type Band = 'left out' | 'cut out' | 'hides'

/**
 * RGB of a picture of four bands, 8 bits each. The fourth band is left out where it says nothing (one value throughout); where it cuts an outline out
 * (0 or 255 alone, over one flat colour, each such part touching the picture's edge) those parts are white. Any other could hide something: BadScan.
 */
export function withoutFourthBand(data: Uint8Array, width: number, height: number): Uint8Array {
  const band = judge(data, width, height)
  if (band === 'hides')
    throw new BadScan(
      'The picture has a fourth band (transparency, or of no stated kind) that changes from place to place: what it hides could not be screened.',
    )
  const rgb = new Uint8Array(width * height * 3)
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const white = band === 'cut out' && data[from + 3] === 0
    rgb[to] = white ? 255 : (data[from] ?? 0)
    rgb[to + 1] = white ? 255 : (data[from + 1] ?? 0)
    rgb[to + 2] = white ? 255 : (data[from + 2] ?? 0)
  }
  return rgb
}

function judge(data: Uint8Array, width: number, height: number): Band {
  const first = data[3]
  let constant = true
  let binary = true
  /** the first transparent pixel, whose colour all others must have */
  let clear = -1
  let flat = true
  for (let at = 0; at < data.length; at += 4) {
    const value = data[at + 3]
    constant &&= value === first
    binary &&= value === 0 || value === 255
    if (!constant && !binary) return 'hides'
    if (value !== 0) continue
    if (clear === -1) clear = at
    else flat &&= data[at] === data[clear] && data[at + 1] === data[clear + 1] && data[at + 2] === data[clear + 2]
  }
  if (clear === -1 && constant) return 'left out'
  if (binary && flat && reachesEdge(data, width, height)) return 'cut out'
  return constant ? 'left out' : 'hides'
}

/** Whether every transparent part (its pixels side by side) touches the picture's edge: one inside may be an object of the flat colour. */
function reachesEdge(data: Uint8Array, width: number, height: number): boolean {
  const isClear = (pixel: number): boolean => data[4 * pixel + 3] === 0
  const seen = new Uint8Array(width * height)
  const stack: number[] = []
  const visit = (x: number, y: number): void => {
    const pixel = y * width + x
    if (x < 0 || y < 0 || x >= width || y >= height || seen[pixel] === 1 || !isClear(pixel)) return
    seen[pixel] = 1
    stack.push(pixel)
  }
  for (let x = 0; x < width; x += 1) [0, height - 1].forEach((y) => visit(x, y))
  for (let y = 0; y < height; y += 1) [0, width - 1].forEach((x) => visit(x, y))
  for (let pixel = stack.pop(); pixel !== undefined; pixel = stack.pop()) {
    const y = Math.floor(pixel / width)
    const x = pixel - y * width
    visit(x - 1, y)
    visit(x + 1, y)
    visit(x, y - 1)
    visit(x, y + 1)
  }
  return seen.every((was, pixel) => was === 1 || !isClear(pixel))
}
