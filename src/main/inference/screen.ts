// One scan through the network: decode, prepare, every look through the session, fused maps, peaks, heatmap sheet where it is wanted.
import { fuse, fuseMaps, peakOf, toOriginal, type ActivationMap, type View } from '../../domain/cam'
import type { Region } from '../../shared/bag'
import { mapClasses, THREAT_CLASSES, type PerClass } from '../../shared/classes'
import type { ModelManifest } from '../../shared/manifest'
import type { ClassOutput, NetworkOutput } from '../station/ports'
import type { Pixels } from './bmp'
import { decode } from './decode'
import { heatmapSheet } from './heatmap'
import type { Located, PixelBox } from './locate'
import { thumbnailOf } from './pictures'
import { normalise, prepare } from './preprocess'
import type { Network } from './session'

/** Everything that the looks at one scan gave. */
interface Looked {
  image: Pixels
  located: Located
  looks: { bag: number; classes: PerClass<ClassOutput>; cams: PerClass<ActivationMap[]>; views: PerClass<View> }[]
  /** ms up to the network's input, and in the network */
  ms: { decode: number; infer: number }
}

/**
 * Screens a file's bytes. The heatmap sheet is made where a class's fused logit reaches `heatFrom`. Throws BadScan (or Error) with the reason why the
 * scan can't be screened.
 */
export async function screen(
  bytes: Uint8Array,
  network: Network,
  manifest: ModelManifest,
  heatFrom: PerClass<number> | null = null,
): Promise<NetworkOutput> {
  const began = performance.now()
  const { image, located, looks, ms } = await lookAt(bytes, network, manifest)
  const { width, height } = image
  const bags = located.bags.map((box, bag) => ({
    box: regionOf(box, width, height),
    classes: worst(looks.filter((look) => look.bag === bag).map((look) => look.classes)),
  }))
  const classes = worst(bags.map((bag) => bag.classes))
  const hot = heatFrom !== null && THREAT_CLASSES.some((name) => classes[name].fused >= heatFrom[name])
  // made here, while the scan is decoded: made later, it would be read and decoded a second time. A bag without one is screened all the same.
  const [heatmap, thumbnail] = await Promise.all([
    hot ? heatmapSheet(looks.map((look) => look.views)) : null,
    thumbnailOf(image).catch(() => null),
  ])
  return {
    width,
    height,
    classes,
    bags,
    heatmap,
    ...(thumbnail && { thumbnail }),
    statistics: located.statistics,
    provider: network.provider,
    ms: { ...ms, total: performance.now() - began },
  }
}

/** The heatmap sheet alone, of a scan that was screened before. Throws as `screen` does. */
export async function heatmapOf(bytes: Uint8Array, network: Network, manifest: ModelManifest): Promise<Uint8Array> {
  const { looks } = await lookAt(bytes, network, manifest)
  return heatmapSheet(looks.map((look) => look.views))
}

/** Every look at a scan through the network. Throws as `screen` does. */
export async function lookAt(bytes: Uint8Array, network: Network, manifest: ModelManifest): Promise<Looked> {
  const began = performance.now()
  const image = await decode(bytes)
  const { located, looks } = prepare(image, manifest.input)
  const ms = { decode: performance.now() - began, infer: 0 }
  const { fusion } = manifest
  const looked: Looked['looks'] = []
  for (const { pixels, placement, bag } of looks) {
    const from = performance.now()
    const tensor = normalise(pixels, manifest.input)
    const prepared = performance.now()
    const { logits, cams } = await network.run(tensor)
    ms.decode += prepared - from
    ms.infer += performance.now() - prepared
    const views = mapClasses((name): View => ({ fused: fuseMaps(cams[name], fusion), placement }))
    const classes = mapClasses((name) => ({
      logits: logits[name],
      fused: fuse(logits[name], fusion),
      peak: toOriginal(peakOf(views[name].fused), placement),
    }))
    looked.push({ bag, classes, cams, views })
  }
  return { image, located, looks: looked, ms }
}

/** Of each class the one with the largest fused logit; of equals the first. A class's levels and peak stay together. */
function worst(all: readonly PerClass<ClassOutput>[]): PerClass<ClassOutput> {
  return mapClasses((name) => {
    const [first, ...others] = all.map((classes) => classes[name])
    if (first === undefined) throw new Error('A bag was not looked at.')
    return others.reduce((most, other) => (other.fused > most.fused ? other : most), first)
  })
}

const regionOf = ({ x0, y0, x1, y1 }: PixelBox, width: number, height: number): Region => ({
  x: x0 / width,
  y: y0 / height,
  width: (x1 - x0) / width,
  height: (y1 - y0) / height,
})
