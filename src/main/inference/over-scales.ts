// The paper's way of pointing (5.3), for `evaluate`: each level's map at the scan's own size, maximum over the levels, the highest spot.
import { fromOriginal, type ActivationMap, type Placement } from '../../domain/cam'
import { peakOverScales, type ScoreMap } from '../../domain/pointing'
import type { Point } from '../../shared/bag'
import { mapClasses, type PerClass } from '../../shared/classes'
import type { ModelManifest } from '../../shared/manifest'
import { lookAt } from './screen'
import type { Network } from './session'

/** A class's peak in fractions of the scan, of the look in which it scores highest (of equals the first). Throws as `screen` does. */
export async function peaksOverScales(bytes: Uint8Array, network: Network, manifest: ModelManifest): Promise<PerClass<Point>> {
  const { looks } = await lookAt(bytes, network, manifest)
  return mapClasses((name) => {
    const [first, ...others] = looks
    if (first === undefined) throw new Error('The scan was not looked at.')
    const look = others.reduce((best, other) => (other.classes[name].fused > best.classes[name].fused ? other : best), first)
    return peakOf(look.cams[name], look.views[name].placement)
  })
}

function peakOf(levels: readonly ActivationMap[], placement: Placement): Point {
  const { original, box } = placement
  const [wide, high] = [box.x1 - box.x0, box.y1 - box.y0]
  const corner = (x: number, y: number): Point => fromOriginal({ x: x / original.width, y: y / original.height }, placement)
  const [from, to] = [corner(box.x0, box.y0), corner(box.x1, box.y1)]
  const maps = levels.map(({ values, width, height }): ScoreMap => ({ data: values, width, height }))
  const peak = peakOverScales(maps, high, wide, { x0: from.x, y0: from.y, x1: to.x, y1: to.y })
  return { x: (box.x0 + peak.x * wide) / original.width, y: (box.y0 + peak.y * high) / original.height }
}
