// The app's own refusal, beyond bag-1: what is no dual-energy pseudo-colour must not be scored, for a score on it would mean nothing.
import { BadScan } from './bad-scan'

/** Channels that lie closer than this show no colour (JPEG noise included). */
const GREY = 8
/** From this distance between its channels on a cell's hue can be trusted. */
const COLOURED = 24
/** Share of a bag's cells with any colour, at least (real scans: 5.5 %). */
const LEAST_COLOURED = 0.025
/** Hues over 20° from the bag's main hue are other hues; the share of its cells that have one, at least (real scans: 0.5 %). */
const OTHER_HUE = Math.cos(Math.PI / 9)
const LEAST_OTHER = 0.001

/**
 * Refuses a "bag" of one flat colour (a blank or failed capture), without colour (grayscale saved as RGB), with hardly any (a monochrome scan with a
 * mark burnt in), or of one tint. `colours`: RGB of the grid's cells; `bag`: 1 where a cell is the bag's. Throws BadScan.
 */
export function refuseWithoutPseudoColour(colours: Uint8Array, bag: Uint8Array): void {
  let [cells, coloured, spread] = [0, 0, 0]
  let [east, north] = [0, 0]
  const [low, high] = [new Uint8Array(3).fill(255), new Uint8Array(3)]
  for (let cell = 0; cell < bag.length; cell += 1) {
    if (bag[cell] === 0) continue
    cells += 1
    for (let channel = 0; channel < 3; channel += 1) {
      const value = colours[3 * cell + channel] ?? 0
      low[channel] = Math.min(low[channel] ?? 0, value)
      high[channel] = Math.max(high[channel] ?? 0, value)
      spread = Math.max(spread, (high[channel] ?? 0) - (low[channel] ?? 0))
    }
    const chroma = chromaOf(colours, 3 * cell)
    if (chroma >= GREY) coloured += 1
    if (chroma < COLOURED) continue
    east += eastOf(colours, 3 * cell)
    north += northOf(colours, 3 * cell)
  }
  if (spread < GREY) throw new BadScan('There is no bag to see: the picture is one flat colour.')
  if (coloured === 0)
    throw new BadScan('The picture has no colour (grayscale saved as RGB): the network reads dual-energy pseudo-colour.')
  if (coloured < LEAST_COLOURED * cells)
    throw new BadScan(
      'The picture has hardly any colour (a monochrome scan with a mark?): the network reads dual-energy pseudo-colour.',
    )
  if (otherHues(colours, bag, east, north) < LEAST_OTHER * cells)
    throw new BadScan(
      'The picture has one tint alone (a monochrome scan, toned or marked?): the network reads dual-energy pseudo-colour.',
    )
}

/** Cells of the bag whose hue lies off the main one, which points to `east`, `north`. */
function otherHues(colours: Uint8Array, bag: Uint8Array, east: number, north: number): number {
  const length = Math.hypot(east, north)
  let others = 0
  for (let cell = 0; cell < bag.length; cell += 1) {
    if (bag[cell] === 0 || chromaOf(colours, 3 * cell) < COLOURED) continue
    const [x, y] = [eastOf(colours, 3 * cell), northOf(colours, 3 * cell)]
    if (x * east + y * north < OTHER_HUE * Math.hypot(x, y) * length) others += 1
  }
  return others
}

/** A colour's place on the colour circle: green lies west, red east, blue south, yellow north. */
const eastOf = (c: Uint8Array, at: number): number => (Math.sqrt(3) / 2) * ((c[at] ?? 0) - (c[at + 1] ?? 0))
const northOf = (c: Uint8Array, at: number): number => ((c[at] ?? 0) + (c[at + 1] ?? 0)) / 2 - (c[at + 2] ?? 0)
function chromaOf(c: Uint8Array, at: number): number {
  const [r, g, b] = [c[at] ?? 0, c[at + 1] ?? 0, c[at + 2] ?? 0]
  return Math.max(r, g, b) - Math.min(r, g, b)
}
