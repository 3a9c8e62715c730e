// Labels and boxes as SIXray publishes them: the CSV of an image list, and VOC annotations. What is wrong is told with file and line.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import type { Box, Label } from '../../domain/metrics'
import { THREAT_CLASSES, type PerClass } from '../../shared/classes'

export interface LabelledScan {
  name: string
  /** 1 present, 0 absent, -1 unknown or difficult; the published files write the last two the other way */
  labels: Label[]
  /** scans of one group (a bag) are drawn together by the bootstrap; the scan's own name where the list has no `group` column */
  group: string
}

/** SIXray's files: 1 present, -1 absent, 0 difficult. */
const LABELS: Record<string, Label> = { '1': 1, '-1': 0, '0': -1 }

/** Reads `name,Gun,Knife,Wrench,Pliers,Scissors[,group]`, columns in any order. Throws in plain words. */
export function readLabels(path: string): LabelledScan[] {
  const lines = readFileSync(path, 'utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
  const header = cells(lines[0] ?? '').map((cell) => cell.toLowerCase())
  const columns = ['name', ...THREAT_CLASSES].map((name) => header.indexOf(name))
  const missing = ['name', ...THREAT_CLASSES].filter((_, i) => columns[i] === -1)
  if (missing.length > 0) throw new Error(`${path}: no column ${missing.join(', ')}.`)
  const group = header.indexOf('group')
  const seen = new Set<string>()
  return lines.slice(1).flatMap((line, i) => {
    if (line.trim() === '') return []
    const row = cells(line)
    const name = row[columns[0] ?? -1] ?? ''
    const labels = columns.slice(1).map((column) => LABELS[row[column] ?? ''])
    if (name === '' || labels.some((label) => label === undefined))
      throw new Error(`${path}, line ${i + 2}: each class must be 1, 0 or -1: ${line}`)
    if (seen.has(name)) throw new Error(`${path}, line ${i + 2}: ${name} is listed twice.`)
    seen.add(name)
    return [{ name, labels: labels as Label[], group: group === -1 ? name : (row[group] ?? name) }]
  })
}

/** A list holds no quoted cells: SIXray's names are plain. */
function cells(line: string): string[] {
  return line.split(',').map((cell) => cell.trim())
}

const IMAGES = new Set(['.jpg', '.jpeg', '.png', '.tif', '.tiff', '.webp', '.bmp'])

/** Scans of one folder by name without extension, from one directory listing (no stat a file: the release has a million). */
export function listImages(folder: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const file of readdirSync(folder).sort()) {
    const extension = extname(file)
    if (IMAGES.has(extension.toLowerCase())) found.set(basename(file, extension), join(folder, file))
  }
  return found
}

export interface Annotation {
  /** pixels of the scan, which the annotation says is `width` x `height` */
  boxes: PerClass<Box[]>
  width: number
  height: number
}

/** A scan's VOC annotation, or null where the folder has none for it. Other classes (hammer) are left out. Throws in plain words. */
export function readAnnotation(folder: string, name: string): Annotation | null {
  const path = join(folder, `${name}.xml`)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
  return parseAnnotation(text, path)
}

/** VOC's XML has no attributes, namespaces or nesting that these expressions would miss; anything else is refused. */
export function parseAnnotation(text: string, path: string): Annotation {
  const broken = (what: string): Error => new Error(`${path}: not a VOC annotation (${what}).`)
  const number = (within: string, tag: string): number => {
    const value = Number(/^\s*([^<]+?)\s*$/.exec(inner(within, tag)[0] ?? '')?.[1] ?? Number.NaN)
    if (!Number.isFinite(value)) throw broken(`no number in <${tag}>`)
    return value
  }
  const root = inner(text, 'annotation')[0]
  const size = root === undefined ? undefined : inner(root, 'size')[0]
  if (root === undefined || size === undefined) throw broken('no <size>')
  const boxes: PerClass<Box[]> = { gun: [], knife: [], wrench: [], pliers: [], scissors: [] }
  for (const object of inner(root, 'object')) {
    const label = (inner(object, 'name')[0] ?? '').trim().toLowerCase()
    const known = THREAT_CLASSES.find((name) => name === label)
    const edges = inner(object, 'bndbox')[0]
    if (edges === undefined) throw broken('an object without <bndbox>')
    if (known === undefined) continue
    const box = {
      xmin: number(edges, 'xmin'),
      ymin: number(edges, 'ymin'),
      xmax: number(edges, 'xmax'),
      ymax: number(edges, 'ymax'),
    }
    if (box.xmax <= box.xmin || box.ymax <= box.ymin) throw broken(`a box of ${label} has no area`)
    boxes[known].push(box)
  }
  const annotation = { boxes, width: number(size, 'width'), height: number(size, 'height') }
  if (annotation.width <= 0 || annotation.height <= 0) throw broken('the scan has no size')
  return annotation
}

function inner(text: string, tag: string): string[] {
  return [...text.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))].map((match) => match[1] ?? '')
}
