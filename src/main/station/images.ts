// A bag's pictures by id: the original scan, its heatmap sheet, a thumbnail. Recent heatmaps and thumbnails are kept in memory.
//
// A clear bag has no heatmap until somebody asks for it: then its scan is looked at again, by the network that judged it.
import { formatOf } from '../../domain/scan/format'
import { shownAsItIs } from '../../domain/scan/shown'
import type { Bag } from '../../shared/bag'
import { IMAGE_KINDS, type Archive, type BagImage, type BagLog, type ImageDesk, type ImageKind, type Renditions } from './ports'

/** Heatmap sheets (some 50 KB each) and thumbnails (some 5 KB) kept in memory. */
const HEATMAPS_KEPT = 200
const THUMBNAILS_KEPT = 500

/** A map that forgets the least lately used. */
class Recent<T> {
  readonly #items = new Map<number, T>()
  constructor(private readonly limit: number) {}

  get(key: number): T | undefined {
    const item = this.#items.get(key)
    if (item !== undefined) {
      this.#items.delete(key)
      this.#items.set(key, item)
    }
    return item
  }
  has(key: number): boolean {
    return this.#items.has(key)
  }
  delete(key: number): void {
    this.#items.delete(key)
  }
  set(key: number, item: T): void {
    this.#items.set(key, item)
    const oldest = this.#items.keys().next().value
    if (this.#items.size > this.limit && oldest !== undefined) this.#items.delete(oldest)
  }
}

export class Images implements ImageDesk {
  readonly #heatmaps = new Recent<Uint8Array>(HEATMAPS_KEPT)
  readonly #looking = new Map<number, Promise<Uint8Array | null>>()
  readonly #thumbnails = new Recent<Promise<Uint8Array | null>>(THUMBNAILS_KEPT)

  constructor(
    private readonly log: BagLog,
    private readonly archive: Archive,
    private readonly renditions: Renditions,
    /** `name@version` of the network that runs: it can show the heat of the bags that it judged */
    private readonly model: string,
  ) {}

  /** Keeps a bag's heatmap sheet at hand. */
  keepHeatmap(id: number, sheet: Uint8Array): void {
    this.#heatmaps.set(id, sheet)
  }

  /** Keeps a bag's thumbnail at hand: it was made with its verdict, and is not made again. */
  keepThumbnail(id: number, picture: Uint8Array): void {
    this.#thumbnails.set(id, Promise.resolve(picture))
  }

  /** Whether a bag without an archived heatmap has one at hand or can be given one. */
  hasHeatmap(bag: Bag): boolean {
    return this.#heatmaps.has(bag.id) || this.#canBeSeenAgain(bag)
  }

  #canBeSeenAgain({ hasScan, classes, model }: Bag): boolean {
    return hasScan && classes !== null && model === this.model
  }

  async at(path: string): Promise<BagImage | null> {
    const [, kind, id] = /^\/(scan|heatmap|thumb)\/([1-9]\d{0,14})$/.exec(path) ?? []
    const known = IMAGE_KINDS.find((k) => k === kind)
    return known && id !== undefined ? this.find(known, Number(id)) : null
  }

  async find(kind: ImageKind, id: number): Promise<BagImage | null> {
    if (!Number.isSafeInteger(id) || id < 1) return null
    if (kind === 'heatmap') return this.#heatmap(id)
    return kind === 'scan' ? this.#scan(id) : this.#thumb(id)
  }

  async #heatmap(id: number): Promise<BagImage | null> {
    const sheet = this.#heatmaps.get(id) ?? (await this.#archived(this.log.images(id)?.heatmap)) ?? (await this.#lookedAgain(id))
    return sheet && { bytes: sheet, type: 'image/png' }
  }

  #lookedAgain(id: number): Promise<Uint8Array | null> {
    // one look, however many ask for it meanwhile
    let looking = this.#looking.get(id)
    if (!looking) {
      looking = this.#makeHeatmap(id).finally(() => this.#looking.delete(id))
      this.#looking.set(id, looking)
    }
    return looking
  }

  async #makeHeatmap(id: number): Promise<Uint8Array | null> {
    try {
      const bag = this.log.get(id)
      const scan = bag && this.#canBeSeenAgain(bag) ? await this.#archived(this.log.images(id)?.scan) : null
      if (!scan) return null
      const sheet = await this.renditions.heatmap(scan)
      this.#heatmaps.set(id, sheet)
      return sheet
    } catch {
      return null
    }
  }

  async #scan(id: number): Promise<BagImage | null> {
    const bytes = await this.#archived(this.log.images(id)?.scan)
    if (!bytes) return null
    // Byte for byte only where a browser shows what the network saw: others turn, blend or tint it by rules of their own.
    const type = shownAsItIs(bytes)
    if (type) return { bytes, type }
    // anything else is no picture; what it is, is in the bag's reason
    if (formatOf(bytes) === null) return null
    const png = await this.renditions.lossless(bytes).catch(() => null)
    return png && { bytes: png, type: 'image/png' }
  }

  async #thumb(id: number): Promise<BagImage | null> {
    let thumbnail = this.#thumbnails.get(id)
    if (!thumbnail) {
      thumbnail = this.#makeThumbnail(id)
      this.#thumbnails.set(id, thumbnail)
    }
    const bytes = await thumbnail
    // not kept: the inference process may have been away, or the bag not yet received
    if (!bytes) this.#thumbnails.delete(id)
    return bytes && { bytes, type: 'image/webp' }
  }

  async #makeThumbnail(id: number): Promise<Uint8Array | null> {
    try {
      const bytes = await this.#archived(this.log.images(id)?.scan)
      return bytes && (await this.renditions.thumbnail(bytes))
    } catch {
      return null
    }
  }

  async #archived(sha256: string | null | undefined): Promise<Uint8Array | null> {
    return sha256 ? await this.archive.get(sha256) : null
  }
}
