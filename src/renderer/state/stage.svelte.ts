// The geometry of one scan on its stage: fitted to the bag, zoomed and panned by the view.
import type { Region } from '../../shared/bag'
import type { View } from './view.svelte'

/** Pixels left free round the bag. */
const MARGIN = 10
/** A scan's pixel is drawn this large at most when fitted: small scans are not blown up to mush. */
const LARGEST_PIXEL = 4

interface Size {
  width: number
  height: number
}
const WHOLE: Region = { x: 0, y: 0, width: 1, height: 1 }

export class Stage {
  readonly #view: View
  /** the stage's own size, screen pixels; 0 until it is laid out */
  width = $state(0)
  height = $state(0)
  /** the scan's size in its own pixels; null until it is known */
  scan = $state.raw<Size | null>(null)
  /** the part of the scan that the stage is fitted to */
  bag = $state.raw<Region>(WHOLE)

  constructor(view: View) {
    this.#view = view
  }

  /** Where the whole scan lies on the stage, screen pixels; null while it can't be placed. */
  readonly box = $derived.by(() => {
    const { scan, bag, width, height } = this
    if (scan === null || scan.width <= 0 || scan.height <= 0 || width === 0 || height === 0) return null
    const fit = Math.min(
      Math.max(1, width - 2 * MARGIN) / (bag.width * scan.width),
      Math.max(1, height - 2 * MARGIN) / (bag.height * scan.height),
      LARGEST_PIXEL,
    )
    const { zoom, panX, panY } = this.#view
    const [w, h] = [scan.width * fit * zoom, scan.height * fit * zoom]
    return {
      width: w,
      height: h,
      left: (0.5 + panX) * width - (bag.x + bag.width / 2) * w,
      top: (0.5 + panY) * height - (bag.y + bag.height / 2) * h,
    }
  })
  /** the scan's width over its height; 1 while unknown */
  readonly aspect = $derived(this.scan === null ? 1 : this.scan.width / this.scan.height)

  /** Zooms about a place on the stage (screen pixels from its corner), which stays where it is. */
  zoomAt(factor: number, left: number, top: number): void {
    if (this.width > 0 && this.height > 0) this.#view.zoomBy(factor, left / this.width - 0.5, top / this.height - 0.5)
  }

  /** Moves the scan by screen pixels. */
  move(dx: number, dy: number): void {
    if (this.width > 0 && this.height > 0) this.#view.pan(dx / this.width, dy / this.height)
  }

  /** Another scan: nothing is known of it yet. */
  clear(): void {
    this.scan = null
    this.bag = WHOLE
  }
}
