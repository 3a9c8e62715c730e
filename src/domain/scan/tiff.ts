// A TIFF's own account of itself: the first directory's tags, and where its picture's strips or tiles lie. Everything stated is distrusted.

/** What the first directory (IFD) says. */
export interface TiffLayout {
  width: number
  height: number
  orientation: number
  /** 1: uncompressed */
  compression: number
  bitsPerSample: number[]
  samplesPerPixel: number
  /** 2: one plane a sample */
  planar: number
  rowsPerStrip: number
  /** tiles' width and height; null: strips */
  tile: [number, number] | null
  pieces: { at: number; length: number }[]
  /** end of everything that header and directory refer to */
  end: number
}

const TAGS = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  stripAt: 273,
  orientation: 274,
  samples: 277,
  rows: 278,
  stripLength: 279,
  planar: 284,
  tileWidth: 322,
  tileHeight: 323,
  tileAt: 324,
  tileLength: 325,
} as const
/** Bytes of a value by TIFF's type number; whole numbers alone are read. */
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]
const WHOLE_NUMBERS = new Set([1, 3, 4, 16])
/** Values that one tag may have: a picture of 50 megapixels has no more strips or tiles. */
const MOST_VALUES = 1 << 20

/** Reads the first directory; null where the bytes end before it does, or where it makes no sense. Never throws. */
export function readTiff(bytes: Uint8Array): TiffLayout | null {
  try {
    return new Reader(bytes).layout()
  } catch (error) {
    // DataView's own word for a place beyond the end
    if (error instanceof RangeError) return null
    throw error
  }
}

class Reader {
  readonly #view: DataView
  readonly #little: boolean
  readonly #big: boolean
  #end = 8

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#little = bytes[0] === 0x49
    this.#big = this.#u16(2) === 43
  }

  layout(): TiffLayout | null {
    const directory = this.#big ? this.#u64(8) : this.#u32(4)
    const count = this.#big ? this.#u64(directory) : this.#u16(directory)
    const step = this.#big ? 20 : 12
    const from = directory + (this.#big ? 8 : 2)
    if (directory < 8 || count === 0 || count > 4096) return null
    this.#reaches(from + count * step + (this.#big ? 8 : 4))
    const values = new Map<number, number[]>()
    for (let i = 0; i < count; i += 1) this.#entry(from + i * step, values)
    const one = (tag: number, otherwise: number): number => values.get(tag)?.[0] ?? otherwise
    const tiled = values.has(TAGS.tileAt)
    const at = values.get(tiled ? TAGS.tileAt : TAGS.stripAt) ?? []
    const lengths = values.get(tiled ? TAGS.tileLength : TAGS.stripLength) ?? []
    const height = one(TAGS.height, 0)
    for (const [i, offset] of at.entries()) this.#end = Math.max(this.#end, offset + (lengths[i] ?? 0))
    return {
      width: one(TAGS.width, 0),
      height,
      orientation: one(TAGS.orientation, 1),
      compression: one(TAGS.compression, 1),
      bitsPerSample: values.get(TAGS.bits) ?? [1],
      samplesPerPixel: one(TAGS.samples, 1),
      planar: one(TAGS.planar, 1),
      rowsPerStrip: Math.min(one(TAGS.rows, height), height),
      tile: tiled ? [one(TAGS.tileWidth, 0), one(TAGS.tileHeight, 0)] : null,
      pieces: at.map((offset, i) => ({ at: offset, length: lengths[i] ?? 0 })),
      end: this.#end,
    }
  }

  #entry(at: number, values: Map<number, number[]>): void {
    const tag = this.#u16(at)
    const type = this.#u16(at + 2)
    const count = this.#big ? this.#u64(at + 4) : this.#u32(at + 4)
    const size = SIZES[type] ?? 0
    const inline = this.#big ? 8 : 4
    const place = at + (this.#big ? 12 : 8)
    const from = size * count <= inline ? place : this.#big ? this.#u64(place) : this.#u32(place)
    this.#reaches(from + size * count)
    if (!WHOLE_NUMBERS.has(type) || !Object.values<number>(TAGS).includes(tag) || count > MOST_VALUES) return
    const found: number[] = []
    for (let i = 0; i < count; i += 1) found.push(this.#number(type, from + i * size))
    values.set(tag, found)
  }

  #reaches(end: number): void {
    this.#end = Math.max(this.#end, end)
  }

  #number(type: number, at: number): number {
    if (type === 1) return this.#view.getUint8(at)
    if (type === 3) return this.#u16(at)
    return type === 4 ? this.#u32(at) : this.#u64(at)
  }
  readonly #u16 = (at: number): number => this.#view.getUint16(at, this.#little)
  readonly #u32 = (at: number): number => this.#view.getUint32(at, this.#little)
  /** Beyond 2^53 no file reaches; such a number then lies outside the file and is treated so. */
  readonly #u64 = (at: number): number => Number(this.#view.getBigUint64(at, this.#little))
}
