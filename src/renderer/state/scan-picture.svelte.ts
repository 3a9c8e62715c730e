// What a viewer shows of one bag: whether its picture is here, and its heat. Nothing is drawn over a picture that is not there.
import { PATHS } from '../../shared/bridge'
import type { Bag, Region } from '../../shared/bag'
import type { ThreatClass } from '../../shared/classes'
import { bagBox, SEARCHED } from './bag-box'
import { framesOf, outlinesOf } from './frames'
import { loadSheet, type Tile } from './heat'
import type { Stage } from './stage.svelte'

type Load = typeof loadSheet
/** The part of a picture that is fitted to the stage. */
export type FindBag = (image: HTMLImageElement) => Region

export class ScanPicture {
  readonly #stage: Stage
  readonly #load: Load
  readonly #findBag: FindBag
  #bag = $state.raw<Bag | null>(null)
  picture = $state<'loading' | 'shown' | 'failed'>('loading')
  tiles = $state.raw<Record<ThreatClass, Tile> | null>(null)
  heatError = $state<string | null>(null)
  #sheetOf: number | null = null
  #stop: AbortController | null = null

  constructor(stage: Stage, load: Load = loadSheet, findBag: FindBag = bagIn) {
    this.#stage = stage
    this.#load = load
    this.#findBag = findBag
  }

  /**
   * Shows a bag, or the same bag's new state. A clear bag's heat is fetched where it is wanted only: the station makes it then, by looking at the scan
   * again.
   */
  show(bag: Bag, heatWanted = false): void {
    if (bag.id !== this.#bag?.id) {
      this.picture = 'loading'
      this.#stage.clear()
      if (bag.width !== null && bag.height !== null) this.#stage.scan = { width: bag.width, height: bag.height }
    }
    this.#bag = bag
    const wanted = heatWanted || bag.verdict !== 'clear' || this.#sheetOf === bag.id
    const sheetOf = bag.hasHeatmap && wanted ? bag.id : null
    if (sheetOf !== this.#sheetOf) this.#fetchHeat(sheetOf)
  }

  #fetchHeat(id: number | null): void {
    this.#stop?.abort()
    this.#stop = null
    this.#sheetOf = id
    this.tiles = null
    this.heatError = null
    if (id === null) return
    const stop = new AbortController()
    this.#stop = stop
    this.#load(PATHS.heatmap(id), stop.signal).then(
      (sheet) => {
        if (!stop.signal.aborted) this.tiles = sheet
      },
      (error: unknown) => {
        if (!stop.signal.aborted) this.heatError = error instanceof Error ? error.message : 'unknown'
      },
    )
  }

  /** The picture of bag `id` is here. */
  loaded(id: number, image: HTMLImageElement): void {
    if (id !== this.#bag?.id) return
    this.#stage.scan = { width: image.naturalWidth, height: image.naturalHeight }
    this.#stage.bag = this.#findBag(image)
    this.picture = 'shown'
  }

  /** The picture of bag `id` can't be shown. */
  failed(id: number): void {
    if (id === this.#bag?.id) this.picture = 'failed'
  }

  /** Frames to draw: none before the picture is there. */
  readonly frames = $derived.by(() =>
    this.#bag === null || this.picture !== 'shown' ? [] : framesOf(this.#bag, this.tiles, this.#stage.aspect),
  )

  /** Bags to outline, of a scan that holds several: none before the picture is there. */
  readonly outlines = $derived.by(() => (this.#bag === null || this.picture !== 'shown' ? [] : outlinesOf(this.#bag)))

  /** The viewer goes away. */
  end(): void {
    this.#fetchHeat(null)
  }
}

/** The bag on a picture; the whole picture where its pixels can't be read. */
function bagIn(image: HTMLImageElement): Region {
  const scale = SEARCHED / Math.max(image.naturalWidth, image.naturalHeight, 1)
  const width = Math.max(1, Math.round(image.naturalWidth * Math.min(1, scale)))
  const height = Math.max(1, Math.round(image.naturalHeight * Math.min(1, scale)))
  try {
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
    if (context === null) return { x: 0, y: 0, width: 1, height: 1 }
    context.drawImage(image, 0, 0, width, height)
    return bagBox(context.getImageData(0, 0, width, height).data, width, height)
  } catch {
    return { x: 0, y: 0, width: 1, height: 1 }
  }
}
