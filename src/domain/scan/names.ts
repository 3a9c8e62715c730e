// What names say: which files are scans by name, which somebody's unfinished work, which the storage system's own; and names as people read them.

const SCAN = new Set(['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'tif', 'tiff', 'webp', 'bmp', 'dib'])
/** Endings that copying programs and scanners give a file until it is whole. */
const UNFINISHED = new Set([
  ...[
    'tmp',
    'temp',
    'part',
    'partial',
    'filepart',
    'crdownload',
    'download',
    'swp',
    'writing',
    'lock',
    'uploading',
    'inprogress',
  ],
])

/** Folders that storage and operating systems keep for themselves: thumbnails, bins, old states. In lower case. */
const STORAGE_FOLDERS = new Set([
  // Synology, QNAP, other NAS
  ...[
    '@eadir',
    '@tmp',
    '@recycle',
    '@recently-snapshot',
    '@__thumb',
    '@sharebin',
    '#recycle',
    '#snapshot',
    '~snapshot',
    'snapshot~',
  ],
  // Windows, DFS, chkdsk
  ...['$recycle.bin', 'recycler', 'recycled', '$extend', 'system volume information', 'dfsrprivate', 'found.000', 'found.001'],
  // Unix, macOS, archives made there
  ...['lost+found', '__macosx', 'network trash folder', 'temporary items', 'thevolumesettingsfolder'],
])
/** Folders of old states by Samba's shadow copies: `@GMT-2026.01.31-12.00.00`. */
const SHADOW = /^@gmt-\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d$/
/** Files of the same kind. */
const STORAGE_FILES = new Set([
  'thumbs.db',
  'ehthumbs.db',
  'ehthumbs_vista.db',
  'desktop.ini',
  'icon\r',
  '.ds_store',
  '.directory',
])
const STORAGE_STREAM = /@syno(?:resource|eastream)$/

/**
 * Whether a folder is never looked into, neither by a feed's walk, nor by its watcher, nor by `scan`. Names that begin with a point are left alone
 * too (`.snapshot`, `.Trash-1000`, `.AppleDouble`, a copying program's staging).
 */
export function isLeftAlone(folder: string): boolean {
  const name = folder.toLowerCase()
  return name.startsWith('.') || STORAGE_FOLDERS.has(name) || SHADOW.test(name)
}

/**
 * What a file's name says. `scan`: its ending is a scan's; `unfinished`: somebody still writes it and will rename it; `storage`: a storage
 * system's own; `other`: nothing, so that the content decides.
 */
export type NameKind = 'scan' | 'unfinished' | 'storage' | 'other'

/** Judges a file's name (its last part alone). */
export function nameKind(name: string): NameKind {
  const lower = name.toLowerCase()
  if (STORAGE_FILES.has(lower) || STORAGE_STREAM.test(lower) || lower.startsWith('._')) return 'storage'
  if (lower.startsWith('.') || lower.startsWith('~') || lower.endsWith('~')) return 'unfinished'
  const plain = withoutVersion(lower)
  const extension = /\.([^.]*)$/.exec(plain)?.[1] ?? ''
  if (UNFINISHED.has(extension)) return 'unfinished'
  return SCAN.has(extension) ? 'scan' : 'other'
}

/** Without what gateways and file systems append: a version (`;1`, `.1`, ` (2)`), blanks and points at the end. */
function withoutVersion(name: string): string {
  let plain = name
  for (;;) {
    const shorter = plain.replace(/(?:[\s.]+|;\d*|\.\d{1,6}|\s?\(\d+\))$/u, '')
    if (shorter === plain || shorter === '') return plain
    plain = shorter
  }
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'variant' })
/** `bag9` before `bag10`; the same on every machine, whatever its locale. */
export const byNaturalName = (a: string, b: string): number => collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0)

/**
 * A file name's bytes as text. What is not valid UTF-8 becomes `\xE4` (a byte's value), and so does a backslash that would read as one of those:
 * two names never become one text. Of a valid name nothing else changes.
 */
export function textOfName(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const length = sequenceAt(bytes, at)
    if (length === 0) text += escapedByte(bytes[at] ?? 0)
    else text += strict.decode(bytes.subarray(at, at + length))
    at += Math.max(1, length)
  }
  return text
}
/** The text of a name that is valid UTF-8, by the same rule. */
export const textOfValidName = (name: string): string => name.replace(/\\(?=x[0-9A-F]{2})/g, escapedByte(0x5c))

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const escapedByte = (byte: number): string => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`

/** Bytes of the valid UTF-8 character that begins at `at`; 0 where none does (or where it is a backslash to be escaped). */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first === 0x5c) return bytes[at + 1] === 0x78 && isHex(bytes[at + 2]) && isHex(bytes[at + 3]) ? 0 : 1
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return 0
  try {
    strict.decode(bytes.subarray(at, at + length))
    return length
  } catch {
    return 0
  }
}
const isHex = (byte: number | undefined): boolean => byte !== undefined && /[0-9A-F]/.test(String.fromCharCode(byte))

/**
 * Characters that move a terminal's cursor, end its line, turn the reading direction, or show nothing: a name could forge a line with them.
 */
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex -- these are what must not be printed
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Cs}/gu

/** A text as it may stand on a terminal: control and direction characters as `\u202E`. Inside a JSON string that means the same as before. */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).toUpperCase().padStart(4, '0')}`,
    ).join(''),
  )
