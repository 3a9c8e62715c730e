// Frames on a scan: where the network looked, for each class that reached a tier.
import type { Bag, BagOnScan, Point, Region } from '../../shared/bag'
import { THREAT_CLASSES, type ThreatClass } from '../../shared/classes'
import type { Tile } from './heat'

export interface Frame extends Region {
  /** tells frames of one class in two bags apart */
  id: string
  class: ThreatClass
  tier: 'alarm' | 'advisory'
  /** frames of the same tier before this one that start at nearly the same place: their names are stacked */
  above: number
}

type Screened = Pick<Bag, 'classes' | 'bags'>

/**
 * A scan's frames, alarms last (nothing may be drawn over an alarm's name); where several bags lie on it, those of each. `tiles`: its heat,
 * or null where there is none or not yet, then each frame is a square round the peak. `aspect`: the scan's width over its height.
 */
export function framesOf({ classes, bags }: Screened, tiles: Record<ThreatClass, Tile> | null, aspect: number): Frame[] {
  if (classes === null) return []
  const each = bags !== undefined && bags.length > 1 ? bags.map((b) => b.classes) : [classes]
  const found: Frame[] = []
  for (const [index, results] of each.entries())
    for (const c of THREAT_CLASSES) {
      const { tier, peak } = results[c]
      if (tier === 'none') continue
      const region = tiles === null ? aroundPeak(peak, aspect) : frameOf(tiles[c], peak)
      const near = found.filter((f) => f.tier === tier && Math.abs(f.x - region.x) < 0.12 && Math.abs(f.y - region.y) < 0.06)
      found.push({ ...region, id: `${c} ${index}`, class: c, tier, above: near.length })
    }
  return found.sort((a, b) => Number(a.tier === 'alarm') - Number(b.tier === 'alarm'))
}

/** The bags to outline: those of a scan that holds several. One bag alone needs no line round it. */
export const outlinesOf = ({ bags }: Pick<Bag, 'bags'>): readonly BagOnScan[] =>
  bags !== undefined && bags.length > 1 ? bags : []

const FIXED = 0.16
/** A square of fixed size round the peak: where the heat gives no shape of its own. */
export function aroundPeak({ x, y }: Point, aspect: number): Region {
  const width = aspect >= 1 ? FIXED / aspect : FIXED
  const height = aspect >= 1 ? FIXED : FIXED * aspect
  return inside({ x: x - width / 2, y: y - height / 2, width, height })
}

/**
 * The connected part of a tile round the peak that holds at least half of the peak's value, as a box with a little room. Where that is
 * nearly everything or nothing, a square of fixed size: a frame must point.
 */
export function frameOf(tile: Tile, peak: Point): Region {
  const aspect = tile.width / tile.height
  const least = aroundPeak(peak, aspect)
  const box = hotBox(tile, peak)
  if (box === null || box.width * box.height > 0.35 || box.width * box.height < (least.width * least.height) / 3) return least
  const room = 0.012
  return inside({
    x: box.x - room,
    y: box.y - room * aspect,
    width: box.width + 2 * room,
    height: box.height + 2 * room * aspect,
  })
}

/** Bounds of the connected part round the peak at half its value or more; null where the peak is cold. */
function hotBox({ width, height, values }: Tile, peak: Point): Region | null {
  const clamp = (v: number, n: number): number => Math.min(n - 1, Math.max(0, Math.floor(v * n)))
  const start = clamp(peak.y, height) * width + clamp(peak.x, width)
  const level = (values[start] ?? 0) / 2
  if (level < 1) return null
  const seen = new Uint8Array(values.length)
  const open = [start]
  seen[start] = 1
  let [left, right, top, bottom] = [width, -1, height, -1]
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    const x = i % width
    const y = (i - x) / width
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
    for (const [j, there] of [
      [i - 1, x > 0],
      [i + 1, x < width - 1],
      [i - width, y > 0],
      [i + width, y < height - 1],
    ] as const)
      if (there && seen[j] === 0 && (values[j] ?? 0) >= level) {
        seen[j] = 1
        open.push(j)
      }
  }
  return { x: left / width, y: top / height, width: (right + 1 - left) / width, height: (bottom + 1 - top) / height }
}

function inside({ x, y, width, height }: Region): Region {
  const w = Math.min(1, width)
  const h = Math.min(1, height)
  return { x: Math.min(1 - w, Math.max(0, x)), y: Math.min(1 - h, Math.max(0, y)), width: w, height: h }
}
