// Whether a file's bytes end where its format says they should: a writer that stalls in mid-file is given more time.

/**
 * False when the bytes are certainly not the whole file (empty, or the format's own end is missing); true when they are, or when
 * the format does not say. Only decides how long to wait: a file that stays cut short is handed over and ends as unscreenable.
 */
export function looksWhole(bytes: Uint8Array): boolean {
  if (bytes.length < 12) return false
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tail = view.subarray(Math.max(0, view.length - 4096))
  if (view[0] === 0xff && view[1] === 0xd8) return tail.includes(Buffer.of(0xff, 0xd9))
  if (view.readUInt32BE(0) === 0x89504e47) return tail.includes('IEND', 0, 'latin1')
  const four = view.toString('latin1', 0, 4)
  if (four === 'RIFF' && view.toString('latin1', 8, 12) === 'WEBP') return view.length >= view.readUInt32LE(4) + 8
  // The first directory often lies at a TIFF's end; the header says where.
  if (four === 'II*\0') return view.readUInt32LE(4) < view.length
  if (four === 'MM\0*') return view.readUInt32BE(4) < view.length
  if (four.startsWith('BM')) return view.length >= view.readUInt32LE(2)
  return true
}
