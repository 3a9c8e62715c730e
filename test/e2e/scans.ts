// Scans and models for the journeys: drawn bags, and the real network under thresholds that a test can rely on.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { chooseModel } from '../../src/main/inference/model-files'

/** A drawn bag on a white background, different for every `seed`; PNG bytes. */
export function drawBag(seed: number, width = 640, height = 480): Promise<Buffer> {
  const at = (n: number, span: number): number => ((seed * 7919 + n * 104_729) % 1000) * 0.001 * span
  const things = Array.from({ length: 6 }, (_, i) => {
    const [x, y] = [120 + at(i, 360), 110 + at(i + 10, 220)]
    const colour = ['#2f6f9f', '#d99a4a', '#5f9f5a', '#1d3f66', '#e0a060', '#3a7fae'][i] ?? '#888'
    return `<rect x="${x}" y="${y}" width="${30 + at(i + 20, 90)}" height="${12 + at(i + 30, 40)}" rx="6" fill="${colour}" transform="rotate(${at(i + 40, 180)} ${x} ${y})"/>`
  })
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#fff"/>
    <rect x="70" y="60" width="${width - 140}" height="${height - 120}" rx="46" fill="#f6dcb4" stroke="#7fb08a" stroke-width="9"/>${things.join('')}</svg>`
  return sharp(Buffer.from(svg)).flatten({ background: '#fff' }).png().toBuffer()
}

/** Thresholds on the fused logit that every scan reaches, or none does. */
const THRESHOLDS = {
  /** every bag has an alarm for every class */
  alarms: { advisory: -80, alarm: -79 },
  /** every bag has an advisory for every class */
  advisories: { advisory: -80, alarm: 80 },
  /** no bag reaches anything */
  calm: { advisory: 79, alarm: 80 },
} as const
export type Mood = keyof typeof THRESHOLDS

/** A copy of the real model whose first policy is sure to alarm, to advise, or to be calm: what a test checks is the way, not the network. */
export function modelOfMood(mood: Mood, folder: string): string {
  const { manifestPath, manifest } = chooseModel(import.meta.dirname)
  const from = join(manifestPath, '..')
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(from)) if (name.startsWith(manifest.name)) cpSync(join(from, name), join(folder, name))
  const copy = JSON.parse(readFileSync(manifestPath, 'utf8')) as Record<string, unknown>
  copy['thresholds'] = Object.fromEntries(manifest.classes.map((c) => [c, THRESHOLDS[mood]]))
  writeFileSync(join(folder, `${manifest.name}.json`), JSON.stringify(copy))
  return folder
}
