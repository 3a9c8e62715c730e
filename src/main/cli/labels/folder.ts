// Which file belongs to a listed name: scans and annotations of a folder from one listing each (no stat a file: the release has a million).
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isImageName, stem, type LabelledScan } from './list'
import { LabelError } from './text'
import { parseAnnotation, type Annotation } from './voc'

/** A folder's files by name, spelt as they are and in small letters. */
export class FolderIndex {
  private readonly exact = new Map<string, string[]>()
  private readonly named = new Map<string, string>()
  private readonly folded = new Map<string, string[]>()
  /** every file that may be one of those looked for */
  readonly files: readonly string[]

  /** `keyOf`: what a file is looked for by; null: it is none of those looked for. Throws where the folder can't be read. */
  constructor(
    readonly folder: string,
    keyOf: (file: string) => string | null,
  ) {
    const files: string[] = []
    for (const file of readdirSync(folder).sort()) {
      const key = file.startsWith('.') ? null : keyOf(file)
      if (key === null) continue
      files.push(file)
      this.named.set(file.normalize('NFC'), file)
      push(this.exact, key, file)
      push(this.folded, key.toLowerCase(), file)
    }
    this.files = files
  }

  /** The file that is spelt so, extension and all. */
  spelt(file: string): string | null {
    return this.named.get(file) ?? null
  }

  /** The one file of that name; null where there is none. Throws LabelError where there are several. */
  find(key: string): string | null {
    const found = this.exact.get(key) ?? this.folded.get(key.toLowerCase()) ?? []
    if (found.length > 1) throw new LabelError(`${found.length} files have that name: ${found.join(', ')}`)
    return found[0] ?? null
  }
}

function push(map: Map<string, string[]>, key: string, file: string): void {
  const known = map.get(key)
  if (known) known.push(file)
  else map.set(key, [file])
}

/** Scans by name without extension. A file without one counts as well: scanners write such. */
export const listImages = (folder: string): FolderIndex =>
  new FolderIndex(folder, (file) => (isImageName(file) || !file.includes('.') ? stem(file) : null))

/** Annotations by their scan's name without extension: NAME.xml, and NAME.jpg.xml as some programs write it. */
export const listAnnotations = (folder: string): FolderIndex =>
  new FolderIndex(folder, (file) => (/\.xml$/i.test(file) ? stem(file.replace(/\.xml$/i, '')) : null))

/** A listed scan's file: the one that the list names with its extension, else the one of that name. Throws LabelError where two have it. */
export function fileOf(scan: LabelledScan, images: FolderIndex): string | null {
  return (scan.file === null ? null : images.spelt(scan.file)) ?? images.find(scan.name)
}

/** A scan's annotation; null where the folder has none. Throws LabelError where there are two or it is none; Error where it can't be read. */
export function readAnnotation(annotations: FolderIndex, name: string): Annotation | null {
  const file = annotations.find(name)
  return file === null ? null : parseAnnotation(readFileSync(join(annotations.folder, file)))
}
