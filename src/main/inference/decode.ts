// Step 1 of bag-1: a file's bytes → 8-bit RGB pixels, or a plain reason why not. Judged by what the bytes are, never by the file's name.
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp'
import { BadScan, checkSize, MOST_MEGAPIXELS } from './bad-scan'
import { decodeBmp, type Pixels } from './bmp'
import { sniff, type ScanFormat } from './sniff'

const NAMES: Record<ScanFormat, string> = { jpeg: 'JPEG', png: 'PNG', tiff: 'TIFF', webp: 'WebP', bmp: 'BMP' }

/**
 * Reading options by format. JPEG is read at sharp's strictest: damage in the middle of a JPEG is only a warning, and would be screened as a grey
 * smear. (All 550 SIXray scans pass.) In TIFF a warning may be a private tag that scanners write, so there only errors count.
 */
function options(format: ScanFormat): SharpOptions {
  // Pillow, which training decodes with, ignores colour profiles too.
  return {
    failOn: format === 'jpeg' ? 'warning' : 'error',
    limitInputPixels: MOST_MEGAPIXELS * 1e6,
    ignoreIcc: true,
    sequentialRead: true,
  }
}

/** Decodes a scan to RGB, EXIF orientation applied, alpha flattened on white. Throws BadScan with a plain reason. */
export async function decode(bytes: Uint8Array): Promise<Pixels> {
  const format = known(bytes)
  if (format === 'bmp') return decodeBmp(bytes)
  const metadata = await header(bytes, format)
  checkKind(metadata, format)
  try {
    let image = sharp(bytes, options(format)).autoOrient()
    if (metadata.hasAlpha) image = image.flatten({ background: '#ffffff' })
    const { data, info } = await image.toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
    if (info.channels !== 3)
      throw new BadScan(`The ${NAMES[format]} image has ${info.channels} channels: the network reads three (pseudo-colour).`)
    return { width: info.width, height: info.height, data }
  } catch (error) {
    throw error instanceof BadScan ? error : new BadScan(`The ${NAMES[format]} file is damaged or cut off (${firstLine(error)}).`)
  }
}

/**
 * The scan for people to look at: as far as it can be decoded at all, however odd its colours. Not for the network. Throws BadScan.
 */
export async function open(bytes: Uint8Array): Promise<Sharp> {
  const format = known(bytes)
  if (format === 'bmp') {
    const { width, height, data } = decodeBmp(bytes)
    return sharp(data, { raw: { width, height, channels: 3 } })
  }
  const { width, height } = await header(bytes, format)
  if (width * height > MOST_MEGAPIXELS * 1e6) checkSize(width, height)
  return sharp(bytes, { ...options(format), failOn: 'none' }).autoOrient()
}

function known(bytes: Uint8Array): ScanFormat {
  if (bytes.length === 0) throw new BadScan('The file is empty (zero bytes).')
  const format = sniff(bytes)
  if (format === null) throw new BadScan('The file is no image of a kind that can be screened (JPEG, PNG, TIFF, WebP or BMP).')
  return format
}

async function header(bytes: Uint8Array, format: ScanFormat): Promise<Metadata> {
  try {
    // No pixel limit here: nothing is decoded, and the reason can then say how large the image claims to be.
    return await sharp(bytes, { ...options(format), limitInputPixels: false }).metadata()
  } catch (error) {
    throw new BadScan(`The ${NAMES[format]} file is damaged or cut off (${firstLine(error)}).`)
  }
}

/** Refuses what the network was never trained to read. */
function checkKind(metadata: Metadata, format: ScanFormat): void {
  const { width, height, space, depth, pages } = metadata
  checkSize(width, height)
  const name = NAMES[format]
  if ((pages ?? 1) > 1) throw new BadScan(`The ${name} file holds ${pages ?? 0} pages or frames: one scan a file is expected.`)
  if (space === 'cmyk') throw new BadScan(`The ${name} image is in CMYK (print) colours: the network reads RGB pseudo-colour.`)
  if (depth !== 'uchar')
    throw new BadScan(
      `The ${name} image has ${depth === 'ushort' ? '16 bits' : `"${depth}" values`} a channel: the network reads 8-bit pseudo-colour.`,
    )
  if (space === 'b-w') throw new BadScan(`The ${name} image is grayscale: the network reads dual-energy pseudo-colour.`)
  if (space !== 'srgb')
    throw new BadScan(`The ${name} image is in the colour space "${space}": the network reads RGB pseudo-colour.`)
}

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? 'unknown'
