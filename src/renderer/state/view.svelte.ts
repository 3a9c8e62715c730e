// How one scan is looked at: zoom and pan, image functions, heat. Every bag starts with the unaltered scan, whole.
import { SvelteSet } from 'svelte/reactivity'
import { HEAT_OPACITY } from '../../domain/heat'
import { THREAT_CLASSES, type ThreatClass } from '../../shared/classes'

export type ImageFunction = 'negative' | 'organic' | 'metal' | 'penetration' | 'edges' | 'grey'
/** Key, short name for the rail, and what it honestly does. Key 1 is the raw scan: all functions off. */
export const IMAGE_FUNCTIONS: readonly { id: ImageFunction; key: string; short: string; name: string; does: string }[] = [
  { id: 'negative', key: '2', short: 'neg', name: 'negative', does: 'colours turned round' },
  { id: 'organic', key: '3', short: 'org', name: 'organic emphasis', does: 'keeps orange (organic by colour), fades the rest' },
  { id: 'metal', key: '4', short: 'met', name: 'metal emphasis', does: 'keeps blue and black (metal by colour), fades the rest' },
  {
    id: 'penetration',
    key: '5',
    short: 'pen',
    name: 'high penetration',
    does: 'lightens dense parts; adds nothing the scanner did not see',
  },
  { id: 'edges', key: '6', short: 'edge', name: 'edges', does: 'sharpens edges' },
  { id: 'grey', key: '7', short: 'grey', name: 'grey', does: 'brightness only, no colour' },
]
// Two colour separations at once would show nothing: choosing one lets the others go.
const COLOUR: readonly ImageFunction[] = ['organic', 'metal', 'grey']

export const ZOOM = { least: 1, most: 12, step: 1.25 } as const
/** An arrow key moves a zoomed scan by this fraction of the stage. */
export const PAN_STEP = 0.12

export class View {
  zoom = $state(1)
  /** pan, as fractions of the stage's width and height, from the middle */
  panX = $state(0)
  panY = $state(0)
  #bag: number | null = null
  readonly #functions = new SvelteSet<ImageFunction>()
  heat = $state(false)
  opacity = $state<number>(HEAT_OPACITY)
  /** the class whose heat a person asked for; null follows the bag's first class */
  chosen = $state<ThreatClass | null>(null)

  raw = $derived(this.#functions.size === 0)
  functions = $derived(IMAGE_FUNCTIONS.filter(({ id }) => this.#functions.has(id)))

  /** someone looks closely: zoomed, moved, through an image function, or at the heat */
  touched = $derived(!this.raw || this.heat || this.zoom > 1)

  has(id: ImageFunction): boolean {
    return this.#functions.has(id)
  }

  toggle(id: ImageFunction): void {
    if (this.#functions.delete(id)) return
    if (COLOUR.includes(id)) for (const other of COLOUR) this.#functions.delete(other)
    this.#functions.add(id)
  }

  showRaw(): void {
    this.#functions.clear()
  }

  /** Another bag is looked at: it starts whole and unaltered. The same one stays as it is. */
  show(bag: number | null): void {
    if (bag === this.#bag) return
    this.#bag = bag
    this.reset()
  }

  /** Back to the whole, unaltered scan: what every bag starts with. */
  reset(): void {
    this.showRaw()
    this.fit()
    this.heat = false
    this.chosen = null
  }

  fit(): void {
    this.zoom = 1
    this.panX = 0
    this.panY = 0
  }

  /** Zooms by a factor and keeps the point (x, y), fractions of the stage from its middle, where it is. */
  zoomBy(factor: number, x = 0, y = 0): void {
    const zoom = Math.min(ZOOM.most, Math.max(ZOOM.least, this.zoom * factor))
    const grown = zoom / this.zoom
    this.zoom = zoom
    this.pan((x - this.panX) * (1 - grown), (y - this.panY) * (1 - grown))
  }

  /** Moves the picture, but never out of sight. */
  pan(dx: number, dy: number): void {
    const most = (this.zoom - 1) / 2 + 0.25 * Math.min(1, this.zoom - 1)
    const keep = (v: number): number => Math.min(most, Math.max(-most, v))
    this.panX = keep(this.panX + dx)
    this.panY = keep(this.panY + dy)
  }

  fade(by: number): void {
    this.opacity = Math.round(Math.min(1, Math.max(0.1, this.opacity + by)) * 10) / 10
  }

  /** The next class up or down, from the one shown. */
  stepClass(by: 1 | -1, from: ThreatClass | null): void {
    const at = from === null ? (by > 0 ? -1 : THREAT_CLASSES.length) : THREAT_CLASSES.indexOf(from)
    this.chosen = THREAT_CLASSES[(at + by + THREAT_CLASSES.length) % THREAT_CLASSES.length] ?? null
  }
}
