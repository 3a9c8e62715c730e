// What a file is by its first bytes, whatever its name says. The one reader of first bytes: feeds, `scan`, decoder and screens ask here.
export type ScanFormat = 'jpeg' | 'png' | 'tiff' | 'webp' | 'bmp'
export const FORMAT_NAMES: Record<ScanFormat, string> = { jpeg: 'JPEG', png: 'PNG', tiff: 'TIFF', webp: 'WebP', bmp: 'BMP' }

/** True where `bytes` hold these at `at`. */
const has = (bytes: Uint8Array, signature: readonly number[], at = 0): boolean =>
  signature.every((byte, index) => bytes[at + index] === byte)
const ascii = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0))

const SCANS: [ScanFormat, (bytes: Uint8Array) => boolean][] = [
  ['jpeg', (b) => has(b, [0xff, 0xd8, 0xff])],
  ['png', (b) => has(b, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  // little- and big-endian, classic and BigTIFF
  ['tiff', (b) => [42, 43].some((n) => has(b, [0x49, 0x49, n, 0]) || has(b, [0x4d, 0x4d, 0, n]))],
  ['webp', (b) => has(b, ascii('RIFF')) && has(b, ascii('WEBP'), 8)],
  ['bmp', (b) => has(b, ascii('BM'))],
]
/** Pictures that no network here can read. In a lane's folder they are bags all the same: unscreenable ones. */
const FOREIGN: [string, (bytes: Uint8Array) => boolean][] = [
  ['GIF', (b) => has(b, ascii('GIF8'))],
  ['DICOM', (b) => has(b, ascii('DICM'), 128)],
  ['JPEG 2000', (b) => has(b, ascii('jP  '), 4) || has(b, [0xff, 0x4f, 0xff, 0x51])],
  ['JPEG XL', (b) => has(b, ascii('JXL '), 4) || has(b, [0xff, 0x0a])],
  ['HEIF or AVIF', (b) => has(b, ascii('ftyp'), 4) && ['heic', 'heix', 'mif1', 'avif'].some((brand) => has(b, ascii(brand), 8))],
]
/** Bytes of a file's beginning that are looked at. */
export const HEAD_BYTES = 132

/** The format of a scan, or null where it is none of the five. */
export const formatOf = (head: Uint8Array): ScanFormat | null => SCANS.find(([, is]) => is(head))?.[0] ?? null

/** What picture of another kind it is, e.g. `GIF`; null where it is none that is known. */
export const foreignPicture = (head: Uint8Array): string | null => FOREIGN.find(([, is]) => is(head))?.[0] ?? null

const BMP_HEADERS = [12, 16, 40, 52, 56, 64, 108, 124]
/** Whether a file is a picture by its beginning alone. Stricter than `formatOf`: "BM" is how many a text begins. */
export function isPicture(head: Uint8Array): boolean {
  const format = formatOf(head)
  if (format === 'bmp')
    return head.length >= 18 && BMP_HEADERS.includes((head[14] ?? 0) + 256 * (head[15] ?? 0)) && head[16] === 0
  return format !== null || foreignPicture(head) !== null
}
