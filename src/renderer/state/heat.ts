// A bag's heatmap sheet: five greyscale tiles, one below the other in class order (docs/MODEL_CONTRACT.md). Its colours: src/domain/heat.ts.
import { THREAT_CLASSES, type ThreatClass } from '../../shared/classes'

/** One class's heat: 8-bit sigmoid values over the whole scan, row by row. */
export interface Tile {
  width: number
  height: number
  values: Uint8ClampedArray
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

/** Strongest value of a tile, 0–1. */
export const strongest = ({ values }: Tile): number => values.reduce((a, b) => Math.max(a, b), 0) / 255
