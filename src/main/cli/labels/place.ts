// An annotation's boxes on the scan as it is shown: by the sizes that both state, and by the turn that a camera's tag (EXIF) tells.
import type { Box } from '../../../domain/pointing'
import { mapClasses, THREAT_CLASSES, type PerClass } from '../../../shared/classes'
import type { Annotation, Size } from './voc'

/** Boxes in fractions of the scan as shown, with what had to be left out; or why none can be placed. */
export type Placed = { boxes: PerClass<Box[]>; bad: string[] } | { refused: string }

/** Sizes of one picture: a side may be rounded to a whole pixel where the annotation was made on a copy of another size. */
function alike(stated: Size, real: Size): boolean {
  const off = Math.abs((stated.width * real.height) / real.width - stated.height)
  return off <= 1.5 || (off * real.width) / real.height <= 1.5
}

/** A point of the stored picture, in fractions, on the picture turned as EXIF's `orientation` (5–8: its sides change places) says. */
function turn(x: number, y: number, orientation: number): [number, number] {
  switch (orientation) {
    case 5:
      return [y, x]
    case 6:
      return [1 - y, x]
    case 7:
      return [1 - y, 1 - x]
    case 8:
      return [y, 1 - x]
    default:
      return [x, y]
  }
}

/**
 * `shown`: the scan's size in pixels as it is shown, turned; `orientation`: EXIF's, 1 where there is none. Some programs draw boxes on the
 * turned scan, some on the stored one: the annotation's own size tells which, or nothing does, and then no box is guessed.
 */
export function place(annotation: Annotation, shown: Size, orientation: number): Placed {
  const turned = orientation >= 2 && orientation <= 8
  const sideways = orientation >= 5 && turned
  const stored = sideways ? { width: shown.height, height: shown.width } : shown
  const stated = annotation.size ?? (turned ? null : shown)
  if (stated === null)
    return { refused: 'the scan is turned by its EXIF tag, and the annotation has no size that would tell whether its boxes are' }
  const [asShown, asStored] = [alike(stated, shown), alike(stated, stored)]
  if (!asShown && !asStored)
    return {
      refused: `it is of a picture of ${stated.width} × ${stated.height} pixels, the scan has ${shown.width} × ${shown.height}`,
    }
  if (turned && asShown && asStored)
    return { refused: 'the scan is turned by its EXIF tag, and the annotation does not tell whether its boxes are' }
  const by = asShown ? 1 : orientation
  const bad: string[] = []
  const boxes = mapClasses<Box[]>(() => [])
  for (const name of THREAT_CLASSES)
    for (const box of annotation.boxes[name]) {
      if (box.xmax <= 0 || box.ymax <= 0 || box.xmin >= stated.width || box.ymin >= stated.height) {
        bad.push(`${name}: outside the scan (${box.xmin}, ${box.ymin}, ${box.xmax}, ${box.ymax})`)
        continue
      }
      const [x0, y0] = turn(box.xmin / stated.width, box.ymin / stated.height, by)
      const [x1, y1] = turn(box.xmax / stated.width, box.ymax / stated.height, by)
      boxes[name].push({ xmin: Math.min(x0, x1), ymin: Math.min(y0, y1), xmax: Math.max(x0, x1), ymax: Math.max(y0, y1) })
    }
  return { boxes, bad }
}
