// What a file is by its first bytes, whatever its name says.
export type ScanFormat = 'jpeg' | 'png' | 'tiff' | 'webp' | 'bmp'

const starts = (bytes: Uint8Array, signature: readonly number[], at = 0): boolean =>
  signature.every((byte, index) => bytes[at + index] === byte)
const ascii = (text: string): number[] => Array.from(Buffer.from(text, 'ascii'))

const SIGNATURES: [ScanFormat, (bytes: Uint8Array) => boolean][] = [
  ['jpeg', (b) => starts(b, [0xff, 0xd8, 0xff])],
  ['png', (b) => starts(b, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  // little- and big-endian, classic and BigTIFF
  [
    'tiff',
    (b) =>
      starts(b, [0x49, 0x49, 42, 0]) ||
      starts(b, [0x4d, 0x4d, 0, 42]) ||
      starts(b, [0x49, 0x49, 43, 0]) ||
      starts(b, [0x4d, 0x4d, 0, 43]),
  ],
  ['webp', (b) => starts(b, ascii('RIFF')) && starts(b, ascii('WEBP'), 8)],
  ['bmp', (b) => starts(b, ascii('BM'))],
]
/** Bytes that `sniff` looks at. */
export const SNIFFED_BYTES = 12

/** The format of a scan, or null where it is none of the five. */
export function sniff(bytes: Uint8Array): ScanFormat | null {
  return SIGNATURES.find(([, is]) => is(bytes))?.[0] ?? null
}
