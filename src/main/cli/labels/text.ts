// A label file's bytes to its text: by byte order mark, by what an XML file declares, else UTF-8. training/lanescope/labels.py does the same.

/** A list or annotation is not what it should be; the message says why, and for a list where. */
export class LabelError extends Error {
  override name = 'LabelError'
}

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/ // eslint-disable-line no-control-regex -- what XML forbids

/** Throws LabelError where the bytes are not in that encoding, or it is none that is known. */
export function decodeText(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes)
  let text: string
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new LabelError(`its text cannot be read as ${encoding}`)
  }
  if (CONTROL.test(text)) throw new LabelError('it holds control characters')
  return text
}

function encodingOf(bytes: Uint8Array): string {
  const [a, b, c] = bytes
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  // without a mark: XML begins with <
  if (a === 0x3c && b === 0) return 'utf-16le'
  if (a === 0 && b === 0x3c) return 'utf-16be'
  const start = Buffer.from(bytes.subarray(0, 200)).toString('latin1')
  const declared = /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']\s*([\w.:-]+)\s*["']/.exec(start)?.[1]?.toLowerCase()
  // Bytes that read as ASCII so far are no UTF-16, whatever some programs declare.
  return declared === undefined || /^(utf-?16|ucs-?2|iso-10646)/.test(declared) ? 'utf-8' : declared
}

/** What JSON, pandas and people write for a number, and nothing else that a language would take for one. NaN where it is none. */
export function readNumber(text: string): number {
  const plain = text.trim().replace('\u2212', '-')
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN
}

/** Without blanks and quotation marks around it, one kind of Unicode spelling. */
export function bare(text: string): string {
  let plain = text.normalize('NFC').trim()
  for (let inside; (inside = /^(["'])(.*)\1$/.exec(plain)?.[2]) !== undefined;) plain = inside.trim()
  return plain
}
