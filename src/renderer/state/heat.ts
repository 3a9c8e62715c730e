// A bag's heatmap sheet: five greyscale tiles, one below the other in class order; colours one, and frames what the network looked at.
import type { Point } from '../../shared/bag'
import { THREAT_CLASSES, type ThreatClass } from '../../shared/classes'

/** One class's heat: 8-bit sigmoid values over the whole scan, row by row. */
export interface Tile {
  width: number
  height: number
  values: Uint8ClampedArray
}
/** A rectangle as fractions of the scan. */
export interface Region {
  x: number
  y: number
  width: number
  height: number
}

/** Loads a sheet; rejects where it can't be read or is not five tiles. */
export async function loadSheet(url: string, signal: AbortSignal): Promise<Record<ThreatClass, Tile>> {
  const response = await fetch(url, { signal })
  if (!response.ok) throw new Error(`no heatmap (${response.status})`)
  const bitmap = await createImageBitmap(await response.blob())
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (context === null) throw new Error('no canvas')
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
  return splitSheet(data, canvas.width, canvas.height)
}

/** Cuts RGBA pixels of a sheet into its tiles (red channel). */
export function splitSheet(rgba: Uint8ClampedArray, width: number, sheetHeight: number): Record<ThreatClass, Tile> {
  const height = sheetHeight / THREAT_CLASSES.length
  if (!Number.isInteger(height) || width === 0 || height === 0) throw new Error('the heatmap is not a sheet of five tiles')
  const tile = (index: number): Tile => {
    const values = new Uint8ClampedArray(width * height)
    for (let i = 0; i < values.length; i++) values[i] = rgba[4 * (index * values.length + i)] ?? 0
    return { width, height, values }
  }
  return Object.fromEntries(THREAT_CLASSES.map((c, i) => [c, tile(i)])) as Record<ThreatClass, Tile>
}

/**
 * A tile as RGBA in one hue that X-ray pseudo-colour does not use (magenta); the stronger, the more opaque. Values under 6 % stay
 * clear. The scale is absolute (sigmoid of the fused map), not stretched to the tile's own maximum: weak heat looks weak.
 */
export function colourTile({ values }: Tile): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(values.length * 4)
  for (const [i, v] of values.entries()) {
    const f = v / 255
    out[4 * i] = 232 - 60 * (1 - f)
    out[4 * i + 1] = 20
    out[4 * i + 2] = 190 + 40 * (1 - f)
    out[4 * i + 3] = f < 0.06 ? 0 : 255 * f ** 0.8
  }
  return out
}

/** Strongest value of a tile, 0–1. */
export const strongest = ({ values }: Tile): number => values.reduce((a, b) => Math.max(a, b), 0) / 255

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
  const { width, height, values } = tile
  const aspect = width / height
  const clamp = (v: number, n: number): number => Math.min(n - 1, Math.max(0, Math.floor(v * n)))
  const start = clamp(peak.y, height) * width + clamp(peak.x, width)
  const level = (values[start] ?? 0) / 2
  if (level < 1) return aroundPeak(peak, aspect)
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
  const box = { x: left / width, y: top / height, width: (right + 1 - left) / width, height: (bottom + 1 - top) / height }
  if (box.width * box.height > 0.35) return aroundPeak(peak, aspect)
  const least = aroundPeak(peak, aspect)
  if (box.width * box.height < (least.width * least.height) / 3) return least
  const room = 0.012
  return inside({
    x: box.x - room,
    y: box.y - room * aspect,
    width: box.width + 2 * room,
    height: box.height + 2 * room * aspect,
  })
}

function inside({ x, y, width, height }: Region): Region {
  const w = Math.min(1, width)
  const h = Math.min(1, height)
  return { x: Math.min(1 - w, Math.max(0, x)), y: Math.min(1 - h, Math.max(0, y)), width: w, height: h }
}
