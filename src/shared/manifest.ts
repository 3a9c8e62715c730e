// The model manifest: what stands beside every ONNX file (docs/MODEL_CONTRACT.md).
import * as z from 'zod'
import { perClass, threatClass } from './classes'

const triple = z.tuple([z.number(), z.number(), z.number()])
const thresholds = perClass(z.object({ advisory: z.number(), alarm: z.number() }))
const moment = z.object({ mean: z.number(), sd: z.number().nonnegative() })

export const modelManifest = z.object({
  schema: z.literal(1),
  name: z.string().min(1),
  version: z.string().min(1),
  file: z.string().regex(/^[\w.-]+\.onnx$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int().positive(),
  precision: z.enum(['fp32', 'fp16', 'int8']),
  backbone: z.string(),
  variant: z.string(),
  levels: z.number().int().min(1),
  input: z.object({
    name: z.string(),
    size: z.number().int().positive(),
    mean: triple,
    std: triple,
    preprocessing: z.enum(['bag-1', 'bag-2']),
  }),
  /** how the levels' logits become one */
  fusion: z.enum(['logits', 'probabilities']).default('logits'),
  outputs: z.object({ logits: z.string(), cams: z.array(z.string()).min(1) }),
  classes: z.array(threatClass).length(5),
  calibration: z.object({
    method: z.literal('platt'),
    sample: z.string(),
    classes: perClass(
      z.object({
        a: z.number().positive(),
        b: z.number(),
        prevalence: z.number().gt(0).lt(1),
        positives: z.number().int().nonnegative(),
        negatives: z.number().int().nonnegative(),
      }),
    ),
  }),
  thresholds,
  /** other sets of thresholds by name, e.g. "quiet": fewer false alarms, fewer finds */
  presets: z.record(z.string(), thresholds).optional(),
  scores: z.object({ file: z.string(), sha256: z.string() }).optional(),
  imageStatistics: z.object({ brightness: moment, background: moment, aspect: moment, bagShare: moment }),
  provenance: z.record(z.string(), z.unknown()),
  figures: z.array(
    z.object({
      what: z.string(),
      value: z.number(),
      interval: z.tuple([z.number(), z.number()]).nullable().optional(),
      n: z.string().optional(),
      chance: z.number().nullable().optional(),
    }),
  ),
})
export type ModelManifest = z.infer<typeof modelManifest>
