// A PNG's own account of itself: its chunks, to the last one.

export interface PngChunk {
  type: string
  at: number
  length: number
}
export interface PngLayout {
  chunks: PngChunk[]
  /** where the bytes after IEND begin; null where it is missing */
  end: number | null
}

/** Reads a PNG's chunks. Never throws. Their checksums are the decoder's business. */
export function readPng(bytes: Uint8Array): PngLayout {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks: PngChunk[] = []
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    const next = at + 12 + length
    if (next > bytes.length) break
    chunks.push({ type, at: at + 8, length })
    if (type === 'IEND') return { chunks, end: next }
    at = next
  }
  return { chunks, end: null }
}
