// Heatmaps as pictures: the sheet of five tiles that the station keeps (ports.ts), and one class's overlay for the command line.
import sharp from 'sharp'
import { heatmapTile, tileSize, type View } from '../../domain/cam'
import { colourHeat, HEAT_OPACITY } from '../../domain/heat'
import { THREAT_CLASSES, type PerClass } from '../../shared/classes'
import { BadScan } from './bad-scan'
import { open } from './decode'

/** Five tiles stacked in class order as one 8-bit greyscale PNG. `looks`: each look's view of each class. Throws RangeError without a look. */
export async function heatmapSheet(looks: readonly PerClass<View>[]): Promise<Uint8Array> {
  const tiles = THREAT_CLASSES.map((name) => heatmapTile(looks.map((look) => look[name])))
  const { width, height } = tileSize(looks[0]?.gun.placement.original ?? { width: 1, height: 1 })
  return sharp(Buffer.concat(tiles), { raw: { width, height: height * THREAT_CLASSES.length, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 6 })
    .toBuffer()
}

/** One tile of a sheet laid over its scan, at the scan's size and in the screens' colours (absolute), as PNG. Throws BadScan where scan or sheet can't be read. */
export async function overlay(bytes: Uint8Array, sheet: Uint8Array, tile: number): Promise<Uint8Array> {
  const scan = await (
    await open(bytes)
  )
    .toColourspace('srgb')
    .flatten({ background: '#ffffff' })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  const { width, height, channels } = scan.info
  const heat = await sharp(sheet).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true })
  const tileHeight = heat.info.height / THREAT_CLASSES.length
  if (!Number.isInteger(tileHeight) || heat.info.channels !== 1 || tile < 0 || tile >= THREAT_CLASSES.length)
    throw new BadScan('The heatmap is not one of five stacked tiles.')
  const from = tile * tileHeight * heat.info.width
  const coloured = colourHeat(heat.data.subarray(from, from + tileHeight * heat.info.width), HEAT_OPACITY)
  const layer = await sharp(coloured, { raw: { width: heat.info.width, height: tileHeight, channels: 4 } })
    .resize({ width, height, fit: 'fill', kernel: 'cubic' })
    .png()
    .toBuffer()
  return sharp(scan.data, { raw: { width, height, channels } })
    .toColourspace('srgb')
    .composite([{ input: layer }])
    .png()
    .toBuffer()
}
