// The one colouring of heat, on the screens and in the command line's pictures.

/** Heat under this is left clear: everywhere faintly warm is nowhere. */
const FAINTEST = 0.06
/** How opaque the strongest heat is over a scan, unless a person wants otherwise: what lies under it stays to be seen. */
export const HEAT_OPACITY = 0.6

/**
 * Heat (8-bit sigmoid of a class's fused map, any shape) as RGBA, four bytes a value: magenta, which X-ray pseudo-colour does not use,
 * the stronger the more opaque; under 6 % clear. The scale is absolute, never stretched to the map's own maximum: weak heat looks weak,
 * and two bags' heat can be compared. `opacity` in [0, 1] is that of the strongest heat.
 */
export function colourHeat(values: Uint8Array | Uint8ClampedArray, opacity = 1): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(values.length * 4)
  for (const [i, v] of values.entries()) {
    const f = v / 255
    out[4 * i] = 232 - 60 * (1 - f)
    out[4 * i + 1] = 20
    out[4 * i + 2] = 190 + 40 * (1 - f)
    out[4 * i + 3] = f < FAINTEST ? 0 : 255 * opacity * f ** 0.8
  }
  return out
}
