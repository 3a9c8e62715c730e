// The boxes that `evaluate` measures pointing by, and a report of everything in the annotations that it could not or would not use.
import sharp from 'sharp'
import type { Box } from '../../../domain/pointing'
import { mapClasses, THREAT_CLASSES, type PerClass } from '../../../shared/classes'
import { listAnnotations, readAnnotation, type FolderIndex } from './folder'
import type { LabelledScan } from './list'
import type { Refused } from './matched'
import { place } from './place'
import { LabelError } from './text'
import type { Annotation, Size } from './voc'

export interface AnnotationReport {
  /** annotations of scored scans that were read */
  read: number
  /** scored scans without one, though their list says that they hold something */
  missing: number
  /** annotations of which nothing is used */
  refused: Refused[]
  /** boxes that are not used */
  badBoxes: Refused[]
  /** objects of classes that are not ours, by name */
  otherObjects: Record<string, number>
  /** boxes of a class that the list says is absent; they count as boxes */
  disagreeing: Refused[]
}

/** Annotations of one run. A bad one is told in the report and ends nothing. */
export class Annotations {
  private readonly told = {
    read: 0,
    missing: 0,
    refused: [] as Refused[],
    badBoxes: [] as Refused[],
    disagreeing: [] as Refused[],
  }
  private readonly others = new Map<string, number>()
  private readonly index: FolderIndex

  /** Throws where the folder can't be read. */
  constructor(folder: string) {
    this.index = listAnnotations(folder)
  }

  report(): AnnotationReport {
    return { ...this.told, otherObjects: Object.fromEntries(this.others) }
  }

  /** A scored scan's boxes in fractions of the scan as shown (its size in pixels); none where its annotation says none that can be used. */
  async boxes(scan: LabelledScan, bytes: Uint8Array, shown: Size): Promise<PerClass<Box[]>> {
    const none = mapClasses<Box[]>(() => [])
    const annotation = this.read(scan)
    if (annotation === null) return none
    this.tell(scan, annotation)
    if (THREAT_CLASSES.every((name) => annotation.boxes[name].length === 0)) return none
    const placed = place(annotation, shown, await orientationOf(bytes))
    if ('refused' in placed) {
      this.told.refused.push({ name: scan.name, reason: placed.refused })
      return none
    }
    for (const reason of placed.bad) this.told.badBoxes.push({ name: scan.name, reason })
    return placed.boxes
  }

  private read(scan: LabelledScan): Annotation | null {
    try {
      const annotation = readAnnotation(this.index, scan.name)
      if (annotation !== null) this.told.read += 1
      else if (scan.labels.includes(1)) this.told.missing += 1
      return annotation
    } catch (error) {
      this.told.refused.push({ name: scan.name, reason: error instanceof LabelError ? error.message : String(error) })
      return null
    }
  }

  private tell(scan: LabelledScan, { bad, others, boxes }: Annotation): void {
    for (const reason of bad) this.told.badBoxes.push({ name: scan.name, reason })
    for (const name of others) this.others.set(name, (this.others.get(name) ?? 0) + 1)
    for (const [c, name] of THREAT_CLASSES.entries())
      if (boxes[name].length > 0 && scan.labels[c] === 0)
        this.told.disagreeing.push({ name: scan.name, reason: `a box of ${name}, which the list says is absent` })
  }
}

/** EXIF's turn of a scan, 1 where there is none (or the header is beyond reading: then it was not screened either). */
async function orientationOf(bytes: Uint8Array): Promise<number> {
  try {
    return (await sharp(bytes, { limitInputPixels: false }).metadata()).orientation ?? 1
  } catch {
    return 1
  }
}
