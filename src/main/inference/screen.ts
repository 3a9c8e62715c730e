// One scan through the network: decode, bag-1, session, fused maps, peaks, heatmap sheet.
import { fuseMaps, peakOf, toOriginal } from '../../domain/cam'
import { mapClasses } from '../../shared/classes'
import type { ModelManifest } from '../../shared/manifest'
import type { NetworkOutput } from '../station/ports'
import { decode } from './decode'
import { heatmapSheet } from './heatmap'
import { thumbnailOf } from './pictures'
import { normalise, prepare } from './preprocess'
import type { Network } from './session'

/** Screens a file's bytes. Throws BadScan (or Error) with the reason why the scan can't be screened. */
export async function screen(bytes: Uint8Array, network: Network, manifest: ModelManifest): Promise<NetworkOutput> {
  const began = performance.now()
  const image = await decode(bytes)
  const { pixels, placement, located } = prepare(image, manifest.input.size)
  const tensor = normalise(pixels, manifest.input)
  const decoded = performance.now()
  const { logits, cams } = await network.run(tensor)
  const inferred = performance.now()
  const fused = mapClasses((name) => fuseMaps(cams[name]))
  const classes = mapClasses((name) => ({
    logits: logits[name],
    fused: logits[name].reduce((sum, z) => sum + z, 0) / logits[name].length,
    peak: toOriginal(peakOf(fused[name]), placement),
  }))
  // made here, while the scan is decoded: made later, it would be read and decoded a second time. A bag without one is screened all the same.
  const [heatmap, thumbnail] = await Promise.all([heatmapSheet(fused, placement), thumbnailOf(image).catch(() => null)])
  return {
    width: image.width,
    height: image.height,
    classes,
    heatmap,
    ...(thumbnail && { thumbnail }),
    statistics: located.statistics,
    provider: network.provider,
    ms: { decode: decoded - began, infer: inferred - decoded, total: performance.now() - began },
  }
}
