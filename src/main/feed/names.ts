// Which file names are scans, which are somebody's unfinished work, and how people order names.
import { basename, extname } from 'node:path'

const SCAN = new Set(['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.tif', '.tiff', '.webp', '.bmp', '.dib'])
/** Endings that copying programs and scanners give a file until it is whole. */
const PARTIAL = new Set([
  '.tmp',
  '.temp',
  '.part',
  '.partial',
  '.filepart',
  '.crdownload',
  '.download',
  '.swp',
  '.writing',
  '.lock',
])

/** `partial`: ignored until it is renamed; `other`: not an image by its extension, ignored and counted. */
export type NameKind = 'scan' | 'partial' | 'other'

export function kindOf(path: string): NameKind {
  const name = basename(path)
  if (name.startsWith('.') || name.startsWith('~') || name.endsWith('~')) return 'partial'
  const extension = extname(name).toLowerCase()
  if (PARTIAL.has(extension)) return 'partial'
  return SCAN.has(extension) ? 'scan' : 'other'
}

/** Hidden folders (a share's bin, a copying program's staging) are never entered. */
export const isHidden = (name: string): boolean => name.startsWith('.')

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'variant' })
/** `bag9` before `bag10`; the same on every machine, whatever its locale. */
export const byNaturalName = (a: string, b: string): number => collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0)
