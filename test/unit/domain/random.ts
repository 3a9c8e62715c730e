// Seeded random numbers for simulations: the same figures on every machine.
import { mulberry32 } from '../../../src/domain/metrics'
import { mapClasses, type PerClass } from '../../../src/shared/classes'

export function randomOf(seed: number) {
  const next = mulberry32(seed)
  const uniform = (): number => (next() + 0.5) / 2 ** 32
  let spare: number | null = null
  const normal = (): number => {
    if (spare !== null) {
      const value = spare
      spare = null
      return value
    }
    const r = Math.sqrt(-2 * Math.log(uniform()))
    const angle = 2 * Math.PI * uniform()
    spare = r * Math.sin(angle)
    return r * Math.cos(angle)
  }
  return { uniform, normal }
}

/** A lane whose classes share a factor (correlation rho) and have each its own place and width; threats add `lift` to their class. */
export const WIDTHS: PerClass<number> = { gun: 1, knife: 1.5, wrench: 2, pliers: 0.7, scissors: 1.2 }
export const CENTRES: PerClass<number> = { gun: -6, knife: -4, wrench: -5, pliers: -7, scissors: -5 }
export function benignBag(random: ReturnType<typeof randomOf>, rho: number): PerClass<number> {
  const factor = random.normal()
  return mapClasses((c) => CENTRES[c] + WIDTHS[c] * (Math.sqrt(rho) * factor + Math.sqrt(1 - rho) * random.normal()))
}
