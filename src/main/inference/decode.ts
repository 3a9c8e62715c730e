// Step 1 of bag-1: a file's bytes → 8-bit RGB pixels, or a plain reason why not. Judged by what the bytes are, never by the file's name.
import sharp, { type Metadata, type OutputInfo, type Sharp, type SharpOptions } from 'sharp'
import { FORMAT_NAMES, foreignPicture, formatOf, type ScanFormat } from '../../domain/scan/format'
import { shownAsItIs } from '../../domain/scan/shown'
import { wholeness } from '../../domain/scan/whole'
import { isOutOfMemory } from '../../domain/scan/words'
import { BadScan, checkSize, MOST_MEGAPIXELS, refuseMissingRows } from './bad-scan'
import { withoutFourthBand } from './bands'
import { decodeBmp, type Pixels } from './bmp'
import { frameRows } from './grid'

/**
 * Reading options by format. JPEG is read at sharp's strictest: damage in the middle of a JPEG is only a warning, and would be screened as a grey
 * smear. (All real scans pass.) Of other formats the warnings are read below.
 */
function options(format: ScanFormat): SharpOptions {
  return {
    failOn: format === 'jpeg' ? 'warning' : 'error',
    limitInputPixels: MOST_MEGAPIXELS * 1e6,
    // Pillow, which training decodes with, ignores colour profiles too; the screens show the numbers that the network saw.
    ignoreIcc: true,
    sequentialRead: true,
  }
}

/** Decodes a scan to RGB, EXIF orientation applied, a fourth band by the rule of bands.ts. Throws BadScan with a plain reason. */
export async function decode(bytes: Uint8Array): Promise<Pixels> {
  const format = known(bytes)
  const pixels = format === 'bmp' ? wholeBmp(bytes) : await withSharp(bytes, format)
  refuseMissingRows(pixels, frameRows(pixels))
  return pixels
}

function wholeBmp(bytes: Uint8Array): Pixels {
  const pixels = decodeBmp(bytes)
  checkWhole(bytes)
  return pixels
}

async function withSharp(bytes: Uint8Array, format: Exclude<ScanFormat, 'bmp'>): Promise<Pixels> {
  checkKind(await header(bytes, format), format)
  checkWhole(bytes)
  const warnings: string[] = []
  let decoded: { data: Uint8Array; info: OutputInfo }
  try {
    const image = sharp(bytes, options(format)).autoOrient()
    image.on('warning', (warning: string) => warnings.push(warning))
    decoded = await image.toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  } catch (error) {
    throw badScan(format, error)
  }
  const damage = warnings.find((warning) => !HARMLESS.test(warning))
  if (damage !== undefined) throw badScan(format, damage)
  const { width, height, channels } = decoded.info
  if (channels === 4) return { width, height, data: withoutFourthBand(decoded.data, width, height) }
  if (channels !== 3)
    throw new BadScan(`The ${FORMAT_NAMES[format]} image has ${channels} channels: the network reads three (pseudo-colour).`)
  return { width, height, data: decoded.data }
}

/** Warnings of the decoders about what stands beside the pixels: private tags that scanners write, dates, profiles. Any other is about pixels. */
const HARMLESS =
  /\b(?:tag|field)\b|directory|iCCP|sRGB profile|[sp]RGB|gAMA|cHRM|pHYs|tIME|[tiz]TXt|bKGD|hIST|sBIT|eXIf|exif|\bxmp\b|profile|resolution|unknown chunk/i

/** The file is whole by its own format. Throws BadScan. */
function checkWhole(bytes: Uint8Array): void {
  const { lacks } = wholeness(bytes)
  if (lacks !== null) throw new BadScan(lacks)
}

/** Says what a decoder's error or warning means: the file's fault, or the machine's. */
export function badScan(format: ScanFormat, error: unknown): BadScan {
  if (error instanceof BadScan) return error
  if (isOutOfMemory(error))
    return new BadScan(
      'This machine is out of memory: the scan could not be decoded. Nothing is known to be wrong with the file.',
    )
  return new BadScan(`The ${FORMAT_NAMES[format]} file is damaged or cut off (${firstLine(error)}).`)
}

/**
 * The scan for people to look at: what the network saw, wherever it is not shown byte for byte; and what the network refuses as far as it can be
 * decoded at all, transparent parts included. Throws BadScan.
 */
export async function open(bytes: Uint8Array): Promise<Sharp> {
  const format = known(bytes)
  if (shownAsItIs(bytes) === null) {
    try {
      const { width, height, data } = await decode(bytes)
      return sharp(data, { raw: { width, height, channels: 3 } })
    } catch (error) {
      if (format === 'bmp' || !(error instanceof BadScan)) throw error
    }
  }
  const { width, height } = await header(bytes, format)
  if (width * height > MOST_MEGAPIXELS * 1e6) checkSize(width, height)
  return sharp(bytes, { ...options(format), failOn: 'none' })
    .autoOrient()
    .removeAlpha()
}

function known(bytes: Uint8Array): ScanFormat {
  const format = formatOf(bytes)
  if (format !== null) return format
  const { lacks } = wholeness(bytes)
  if (lacks !== null) throw new BadScan(lacks)
  const foreign = foreignPicture(bytes)
  throw new BadScan(
    `The file is no image of a kind that can be screened (JPEG, PNG, TIFF, WebP or BMP)${foreign === null ? '' : `: it is ${foreign}`}.`,
  )
}

async function header(bytes: Uint8Array, format: ScanFormat): Promise<Metadata> {
  try {
    // No pixel limit here: nothing is decoded, and the reason can then say how large the image claims to be.
    return await sharp(bytes, { ...options(format), limitInputPixels: false }).metadata()
  } catch (error) {
    throw badScan(format, error)
  }
}

/** Refuses what the network was never trained to read. */
function checkKind(metadata: Metadata, format: ScanFormat): void {
  const { width, height, space, depth, pages } = metadata
  checkSize(width, height)
  const name = FORMAT_NAMES[format]
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
