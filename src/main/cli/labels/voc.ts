// A VOC annotation (PASCAL VOC, as LabelImg, CVAT, labelme's exporters and SIXray write it): its boxes, and what of it can't be used.
import { XMLParser } from 'fast-xml-parser'
import { SyntaxValidator, type ValidationError } from 'fast-xml-validator'
import type { Box } from '../../../domain/pointing'
import { THREAT_CLASSES, type PerClass } from '../../../shared/classes'
import { decodeText, LabelError, readNumber } from './text'

export interface Size {
  width: number
  height: number
}
export interface Annotation {
  /** pixels that the boxes are in, as the annotation states them; null where it states none that can be true */
  size: Size | null
  boxes: PerClass<Box[]>
  /** names of the objects of other classes (hammer): they are left out */
  others: string[]
  /** boxes of our classes that can't be used, each with its reason */
  bad: string[]
}

type Node = Record<string, unknown>
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  ignorePiTags: true,
  ignoreDeclaration: true,
  // numeric character references; named ones beyond XML's five are refused before
  htmlEntities: true,
})

/** Throws LabelError where the bytes are no annotation; a bad box alone is told in `bad`. */
export function parseAnnotation(bytes: Uint8Array): Annotation {
  const root = rootOf(decodeText(bytes))
  const boxes: PerClass<Box[]> = { gun: [], knife: [], wrench: [], pliers: [], scissors: [] }
  const annotation: Annotation = { size: sizeOf(root), boxes, others: [], bad: [] }
  for (const object of all(root, 'object')) {
    const label = textOf(all(object, 'name')[0]).trim().toLowerCase()
    const known = THREAT_CLASSES.find((name) => name === label)
    if (known === undefined) {
      annotation.others.push(label)
      continue
    }
    const found = all(object, 'bndbox')
    if (found.length === 0) annotation.bad.push(`${known}: no <bndbox>`)
    for (const edges of found) {
      const box = boxOf(edges)
      if (typeof box === 'string') annotation.bad.push(`${known}: ${box}`)
      else boxes[known].push(box)
    }
  }
  return annotation
}

/** The children of <annotation>. Where XML leaves writers no freedom, this refuses what Python's parser refuses. */
function rootOf(text: string): Node[] {
  const broken = (what: string): LabelError => new LabelError(`not a VOC annotation: broken XML (${what})`)
  const document = text
    .trimStart()
    .replace(/^<\?xml[^>]*\?>/, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .trim()
  // Never needed here, and how a document asks for more than it holds.
  if (document.includes('<!DOCTYPE')) throw new LabelError('not a VOC annotation: it brings a document type')
  const outside = document.replace(/<!\[CDATA\[[\s\S]*?\]\]>/g, '')
  if (/&(?!(lt|gt|amp|quot|apos|#\d+|#x[\da-f]+);)/i.test(outside)) throw broken('an & that begins nothing')
  if (outside.includes('<!--') || outside.includes(']]>')) throw broken('a comment or section that does not close')
  if (!outside.endsWith('>')) throw broken('text after the end')
  try {
    SyntaxValidator.validate(document, { invalidCharSequence: { tagValue: true, attrLt: true } })
  } catch (error) {
    throw broken((error as Partial<ValidationError>).err?.msg ?? String(error))
  }
  const roots = (parser.parse(document) as Node[]).filter((node) => !('#text' in node))
  const [root] = roots
  if (roots.length !== 1 || root === undefined || !('annotation' in root))
    throw new LabelError('not a VOC annotation: its root is not one <annotation>')
  return root['annotation'] as Node[]
}

/** The children of that name. */
function all(parent: readonly Node[] | undefined, name: string): Node[][] {
  return (parent ?? []).filter((node) => name in node).map((node) => node[name] as Node[])
}

/** An element's own text; what lies around a comment in it belongs together. */
function textOf(element: readonly Node[] | undefined): string {
  return (element ?? []).map((node) => (typeof node['#text'] === 'string' ? node['#text'] : '')).join('')
}

/** Zero, as some writers leave it, is no size; no more is one side alone. */
function sizeOf(root: readonly Node[]): Size | null {
  const size = all(root, 'size')[0]
  const [width, height] = ['width', 'height'].map((name) => readNumber(textOf(all(size, name)[0])))
  return width !== undefined && height !== undefined && width > 0 && height > 0 ? { width, height } : null
}

function boxOf(edges: readonly Node[]): Box | string {
  const [xmin = NaN, ymin = NaN, xmax = NaN, ymax = NaN] = ['xmin', 'ymin', 'xmax', 'ymax'].map((name) =>
    readNumber(textOf(all(edges, name)[0])),
  )
  const all4 = [xmin, ymin, xmax, ymax]
  if (!all4.every(Number.isFinite)) return 'an edge is no number'
  if (xmax <= xmin || ymax <= ymin) return `no area (${all4.join(', ')})`
  return { xmin, ymin, xmax, ymax }
}
