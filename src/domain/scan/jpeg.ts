// A JPEG's own account of itself: its segments, whether every pass over the picture is there, whether its end is.

/** A marker segment before or between scans: its payload lies at `at`, `length` bytes. */
export interface JpegSegment {
  marker: number
  at: number
  length: number
}
export interface JpegLayout {
  segments: JpegSegment[]
  /** where the bytes after the end mark begin; null where the end mark is missing */
  end: number | null
  /** what is missing, as the end of a sentence that begins with "The JPEG file"; null where nothing is */
  lacks: string | null
}

const EOI = 0xd9
const SOS = 0xda
const DHT = 0xc4
/**
 * Bytes of one value in a row, within coded data, that no real scan has: more are a hole that a copying program or a disk left. In 6,200 real scans,
 * all sequential JPEGs, the longest run is 6 bytes. In 3,262 of them coded again by other rules (areas without any change apart) it is under 32 in
 * sequential JPEGs, and 42 elsewhere (progressive JPEG, WebP).
 */
export const LONGEST_RUN = { sequential: 32, other: 128 } as const

const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== DHT && marker !== 0xc8 && marker !== 0xcc

/** Reads a JPEG's markers. Never throws; looks at each byte at most twice. */
export function readJpeg(bytes: Uint8Array): JpegLayout {
  const layout: JpegLayout = { segments: [], end: null, lacks: null }
  const passes = new Passes()
  const tables = new Map<number, Table>()
  let at = 2
  while (at < bytes.length) {
    if (bytes[at] !== 0xff) return { ...layout, lacks: 'has bytes between its parts that mean nothing' }
    const marker = bytes[at + 1]
    if (marker === 0xff) {
      at += 1
      continue
    }
    if (marker === undefined) break
    if (marker === EOI) return { ...layout, end: at + 2, lacks: passes.missing() }
    at += 2
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue
    const length = ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0)
    if (marker === 0 || length < 2) return { ...layout, lacks: 'has bytes between its parts that mean nothing' }
    if (at + length > bytes.length) break
    layout.segments.push({ marker, at: at + 2, length: length - 2 })
    const payload = bytes.subarray(at + 2, at + length)
    at += length
    if (isFrame(marker)) passes.frame(marker, payload)
    if (marker === DHT) readTables(payload, tables)
    if (marker !== SOS) continue
    const flat = passes.scan(payload, tables)
    const from = at
    at = endOfCoded(bytes, from)
    const hole = flat === null ? 0 : holeIn(bytes, from, at, flat, LONGEST_RUN[passes.progressive ? 'other' : 'sequential'])
    if (hole > 0) return { ...layout, lacks: `has a hole: ${hole.toLocaleString('en-US')} bytes of its picture are all alike` }
  }
  return { ...layout, lacks: 'ends before its end mark' }
}

/** Length of a run that no real picture has; 0 where there is none. `flat`: the bits of an area without any change, whose bytes may well be alike. */
function holeIn(bytes: Uint8Array, from: number, to: number, flat: string, limit: number): number {
  const run = runOver(limit, bytes, from, to)
  if (run === 0 || !isOneByte(flat)) return run
  // An area without any change is coded in bytes of one value here: that value may run, no other.
  for (let value = 0; value < 256; value += 1) {
    const bits = value.toString(2).padStart(8, '0')
    if ((bits + bits).includes(flat.repeat(8).slice(0, 8))) continue
    const other = runOver(limit, bytes, from, to, value)
    if (other > 0) return other
  }
  return 0
}
/** Whether bits that repeat for ever fill bytes of one value. */
function isOneByte(flat: string): boolean {
  const all = flat.repeat(16)
  return flat !== '' && Array.from({ length: 8 * flat.length }, (_, i) => i).every((i) => all[i] === all[i + 8])
}

/** Where the marker after coded data begins; the end of the bytes where none comes. */
function endOfCoded(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1]
    // stuffed zeros and restart marks are part of the data; a fill byte may come before a marker
    if (next === undefined || next === 0 || next === 0xff || (next >= 0xd0 && next <= 0xd7)) continue
    return at
  }
  return bytes.length
}

/** Length of the longest run of one value that is longer than `limit` bytes; with `only`, of this value. 0 where there is none. */
export function runOver(limit: number, bytes: Uint8Array, from = 0, to = bytes.length, only?: number): number {
  let longest = 0
  // A run longer than the limit covers one of these places, and the next byte too.
  for (let at = from; at < to; at += limit) {
    const byte = bytes[at]
    if (bytes[at + 1] !== byte || (only !== undefined && byte !== only)) continue
    let start = at
    while (start > from && bytes[start - 1] === byte) start -= 1
    let end = at + 1
    while (end < to && bytes[end] === byte) end += 1
    if (end - start > limit) longest = Math.max(longest, end - start)
    while (at + limit < end) at += limit
  }
  return longest
}

/** A Huffman table's code of the symbol 0 ("no change", "end of block"), as bits; null where the table has none. */
interface Table {
  zero: string | null
}
function readTables(payload: Uint8Array, tables: Map<number, Table>): void {
  for (let at = 0; at + 17 <= payload.length;) {
    const counts = payload.subarray(at + 1, at + 17)
    let code = 0
    let symbol = at + 17
    let zero: string | null = null
    for (const [i, count] of counts.entries()) {
      for (let n = 0; n < count; n += 1, code += 1, symbol += 1)
        if (payload[symbol] === 0 && zero === null) zero = code.toString(2).padStart(i + 1, '0')
      code *= 2
    }
    tables.set(payload[at] ?? 0, { zero })
    at = symbol
  }
}

/** Which bits of which coefficients each component has got: a progressive file sends them pass by pass. */
class Passes {
  readonly #components = new Map<number, { blocks: number; left: Int8Array }>()
  progressive = false

  frame(marker: number, payload: Uint8Array): void {
    const count = payload[5] ?? 0
    this.progressive = (marker & 3) === 2
    // lossless frames have no coefficients: one pass is all
    const coefficients = (marker & 3) === 3 ? 1 : 64
    for (let i = 0; i < count; i += 1) {
      const [id = 0, sampling = 0x11] = payload.subarray(6 + 3 * i)
      this.#components.set(id, { blocks: (sampling >> 4) * (sampling & 15), left: new Int8Array(coefficients).fill(-1) })
    }
  }

  /** Takes note of a pass. Returns how an area without any change is coded in it, as bits; empty where it can't be; null where bits are sent as they are. */
  scan(payload: Uint8Array, tables: ReadonlyMap<number, Table>): string | null {
    const count = payload[0] ?? 0
    const [first = 0, last = 63, bits = 0] = payload.subarray(1 + 2 * count)
    const parts = Array.from({ length: count }, (_, i) => payload.subarray(1 + 2 * i, 3 + 2 * i))
    for (const [id = 0] of parts) this.#components.get(id)?.left.fill(bits & 15, first, last + 1)
    if (bits >> 4 > 0) return null
    let flat = ''
    for (const [id = 0, table = 0] of parts) {
      const change = first === 0 ? tables.get(table >> 4)?.zero : ''
      const end = last > 0 ? tables.get(0x10 + (table & 15))?.zero : ''
      if (change === null || change === undefined || end === null || end === undefined) return ''
      flat += (change + end).repeat(count > 1 ? (this.#components.get(id)?.blocks ?? 1) : 1)
    }
    return flat
  }

  /** What no pass has brought, or null. */
  missing(): string | null {
    if (this.#components.size === 0) return 'holds no picture'
    const all = [...this.#components.values()].map(({ left }) => left)
    if (all.some((left) => left[0] === -1)) return 'lacks a colour of its picture'
    return all.some((left) => left.some((bit) => bit !== 0)) ? 'lacks the finer passes over its picture' : null
  }
}
