// Preprocessing (docs/MODEL_CONTRACT.md): decoded scan → the network's input, one square a look. training/lanescope/preprocess.py is its counterpart.
import type { Placement } from '../../domain/cam'
import type { ModelManifest } from '../../shared/manifest'
import { checkShape } from './bad-scan'
import { locateAsBag1 } from './bag-1'
import type { Pixels } from './bmp'
import type { Colour } from './ground'
import { locate, type Located, type PixelBox } from './locate'
import { looksAt } from './looks'
import { resize } from './resize'

export interface Prepared {
  located: Located
  /** what the network is to see, each bag's looks together, in the bags' order */
  looks: PreparedLook[]
}
export interface PreparedLook {
  /** RGB, 8 bits a channel, S × S, padded with white */
  pixels: Uint8Array
  placement: Placement
  /** index of the bag that it shows */
  bag: number
}

/** All steps after decoding and before `normalise`, as the model was trained with them. Throws BadScan where there is no bag. */
export function prepare(
  image: Pixels,
  { size, preprocessing }: Pick<ModelManifest['input'], 'size' | 'preprocessing'>,
): Prepared {
  const located = preprocessing === 'bag-1' ? locateAsBag1(image) : locate(image)
  const looks = preprocessing === 'bag-1' ? located.bags.map((box, bag) => ({ box, bag })) : looksAt(located.bags, image)
  // One bag alone: a thread in the network's square shows nothing. (Slivers at the rim of a frame are what is left of other bags.)
  const [whole, part] = looks
  if (located.bags.length === 1 && whole !== undefined) checkShape((part ?? whole).box)
  return { located, looks: looks.map(({ box, bag }) => ({ ...square(image, box, located.background, size), bag })) }
}

/** Steps 8–10: a box resized to the network's input side, its ground flattened, padded. */
function square(image: Pixels, box: PixelBox, ground: Colour, side: number): { pixels: Uint8Array; placement: Placement } {
  const crop = { width: box.x1 - box.x0, height: box.y1 - box.y0 }
  const longest = Math.max(crop.width, crop.height)
  const resized = (length: number): number => Math.max(1, Math.floor((length * side) / longest + 0.5))
  const size = { width: resized(crop.width), height: resized(crop.height) }
  const data = resize(image, box, size)

  // Step 9 as a table a channel: rounded, so that both sides agree on a pixel that falls between two values.
  const flattened = new Uint8Array(3 * 256)
  ground.forEach((b, channel) => {
    for (let p = 0; p < 256; p += 1) flattened[256 * channel + p] = Math.min(255, Math.floor((2 * 255 * p + b) / (2 * b)))
  })
  const offset = { x: Math.floor((side - size.width) / 2), y: Math.floor((side - size.height) / 2) }
  const pixels = new Uint8Array(side * side * 3).fill(255)
  for (let row = 0; row < size.height; row += 1) {
    let out = 3 * ((row + offset.y) * side + offset.x)
    const end = 3 * (row + 1) * size.width
    for (let at = 3 * row * size.width; at < end; at += 3, out += 3) {
      pixels[out] = flattened[data[at] ?? 0] ?? 255
      pixels[out + 1] = flattened[256 + (data[at + 1] ?? 0)] ?? 255
      pixels[out + 2] = flattened[512 + (data[at + 2] ?? 0)] ?? 255
    }
  }
  return { pixels, placement: { original: { width: image.width, height: image.height }, box, side, offset, size } }
}

/** The last step: RGB pixels (S × S) → float32, channels first. */
export function normalise(pixels: Uint8Array, { mean, std }: Pick<ModelManifest['input'], 'mean' | 'std'>): Float32Array {
  const area = pixels.length / 3
  const tensor = new Float32Array(pixels.length)
  // Each of the 256 values is divided once, not at every pixel.
  const value = new Float32Array(256)
  for (let channel = 0; channel < 3; channel += 1) {
    const m = mean[channel] ?? 0
    const s = std[channel] ?? 1
    for (let p = 0; p < 256; p += 1) value[p] = (p / 255 - m) / s
    for (let to = channel * area, at = channel; at < pixels.length; to += 1, at += 3) tensor[to] = value[pixels[at] ?? 255] ?? 0
  }
  return tensor
}
