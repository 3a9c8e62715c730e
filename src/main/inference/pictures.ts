// Pictures for people: small ones for belt strip and log, and a lossless PNG for every scan that a browser would not show as the network saw it.
import sharp, { type Sharp } from 'sharp'
import type { Pixels } from './bmp'
import { open } from './decode'

const THUMBNAIL_SIDE = 240

/** WebP, longest side at most 240 px. Throws BadScan where nothing can be decoded. */
export async function thumbnail(bytes: Uint8Array): Promise<Uint8Array> {
  return small(await open(bytes))
}

/** The same of a scan that is decoded already. */
export const thumbnailOf = ({ data, width, height }: Pixels): Promise<Uint8Array> =>
  small(sharp(data, { raw: { width, height, channels: 3 } }))

function small(image: Sharp): Promise<Uint8Array> {
  return image
    .resize({ width: THUMBNAIL_SIDE, height: THUMBNAIL_SIDE, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
    .toBuffer()
}

/** The scan as the network saw it (upright, the same numbers as sRGB, no profile) as PNG; one that it refused as far as it can be decoded. Throws BadScan where nothing can be decoded. */
export async function lossless(bytes: Uint8Array): Promise<Uint8Array> {
  const image = await open(bytes)
  return image.toColourspace('srgb').png({ compressionLevel: 3 }).toBuffer()
}
