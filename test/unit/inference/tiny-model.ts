// A real, tiny ONNX model that keeps the contract (MODEL_CONTRACT.md), written here byte by byte: tests of session, process and command line
// then need no trained model. It is colour-blind to nothing: each class's map is a fixed mix of red, green and blue.
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mapClasses } from '../../../src/shared/classes'
import type { ModelManifest } from '../../../src/shared/manifest'

// ---- protobuf, as much of it as ONNX needs here
type Field = [number, number | bigint | string | Uint8Array]
function varint(value: number | bigint): number[] {
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)]
    bytes.push(Number(rest & 127n) | 128)
  }
}
function message(...fields: Field[]): Uint8Array {
  return Buffer.concat(
    fields.map(([tag, value]) => {
      if (typeof value === 'number' || typeof value === 'bigint') return Buffer.from([...varint(tag << 3), ...varint(value)])
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      return Buffer.concat([Buffer.from([...varint((tag << 3) | 2), ...varint(bytes.length)]), bytes])
    }),
  )
}

// ---- ONNX messages (field numbers of onnx.proto)
const ints = (name: string, values: number[]): Field => [5, message([1, name], ...values.map((v): Field => [8, v]), [20, 7])]
const int = (name: string, value: number): Field => [5, message([1, name], [3, value], [20, 2])]
const node = (op: string, inputs: string[], output: string, ...attributes: Field[]): Field => [
  1,
  message(...inputs.map((i): Field => [1, i]), [2, output], [4, op], ...attributes),
]
const floats = (name: string, dims: number[], values: number[]): Field => [
  5,
  message(...dims.map((d): Field => [1, d]), [2, 1], [8, name], [9, new Uint8Array(Float32Array.from(values).buffer)]),
]
const longs = (name: string, values: number[]): Field => [
  5,
  message([1, values.length], [2, 7], [8, name], [9, new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer)]),
]
const tensor = (tag: 11 | 12, name: string, dims: (number | string)[]): Field => {
  const shape = message(...dims.map((d): Field => [1, typeof d === 'string' ? message([2, d]) : message([1, d])]))
  return [tag, message([1, name], [2, message([1, message([1, 1], [2, shape])])])]
}

/** Mix of red, green and blue (0–1, inverted: white is 0) that each class's map shows; bias −2. */
export const MIX = [
  [4, 0, 0],
  [0, 4, 0],
  [0, 0, 4],
  [2, 2, 0],
  [0, 2, 2],
]
export const BIAS = -2
export const TINY_SIDE = 64

/** `nan`: a scan darker than a mean of 0.6 makes the first logits not a number. */
export function tinyOnnx({ nan = false, levels = 3 } = {}): Uint8Array {
  const nodes: Field[] = [
    // Weights are negative of MIX and the bias carries the sum: map = MIX · (1 − colour) + BIAS.
    node('AveragePool', ['scan'], 'p', ints('kernel_shape', [8, 8]), ints('strides', [8, 8])),
    node('Conv', ['p', 'w', 'b'], 'cam_1'),
    node('AveragePool', ['cam_1'], 'cam_2', ints('kernel_shape', [2, 2]), ints('strides', [2, 2])),
    node('AveragePool', ['cam_2'], 'cam_3', ints('kernel_shape', [2, 2]), ints('strides', [2, 2])),
  ]
  for (let level = 1; level <= levels; level += 1)
    nodes.push(node('GlobalMaxPool', [`cam_${level}`], `m${level}`), node('Reshape', [`m${level}`, 'row'], `l${level}`))
  const all = Array.from({ length: levels }, (_, i) => `l${i + 1}`)
  if (nan)
    nodes.push(
      node('ReduceMean', ['scan'], 'mean', ints('axes', [1, 2, 3]), int('keepdims', 0)),
      node('Sub', ['mean', 'limit'], 'light'),
      node('Log', ['light'], 'log'),
      node('Mul', ['log', 'zero'], 'poison'),
      node('Add', ['l1', 'poison'], 'l1poisoned'),
    )
  nodes.push(node('Concat', nan ? ['l1poisoned', ...all.slice(1)] : all, 'logits', int('axis', 1)))
  const graph = message(
    ...nodes,
    [2, 'tiny'],
    floats(
      'w',
      [5, 3, 1, 1],
      MIX.flat().map((m) => -m),
    ),
    floats(
      'b',
      [5],
      MIX.map((mix) => BIAS + mix.reduce((a, c) => a + c, 0)),
    ),
    longs('row', [1, 1, 5]),
    ...(nan ? [floats('limit', [1], [0.6]), floats('zero', [1], [0])] : []),
    tensor(11, 'scan', ['N', 3, TINY_SIDE, TINY_SIDE]),
    tensor(12, 'logits', ['N', levels, 5]),
    tensor(12, 'cam_1', ['N', 5, 8, 8]),
    tensor(12, 'cam_2', ['N', 5, 4, 4]),
    tensor(12, 'cam_3', ['N', 5, 2, 2]),
  )
  return message([1, 8], [7, graph], [8, message([1, ''], [2, 13])])
}

/** Writes model and manifest into `folder`; `change` alters the manifest afterwards. */
export function writeTinyModel(
  folder: string,
  onnx: Uint8Array = tinyOnnx(),
  change: Partial<ModelManifest> = {},
): { manifest: ModelManifest; modelPath: string } {
  mkdirSync(folder, { recursive: true })
  const moment = { mean: 0, sd: 1 }
  const manifest: ModelManifest = {
    schema: 1,
    name: 'tiny',
    version: 'test',
    file: 'tiny.onnx',
    sha256: createHash('sha256').update(onnx).digest('hex'),
    bytes: onnx.length,
    precision: 'fp32',
    backbone: 'none',
    variant: 'test',
    levels: 3,
    input: { name: 'scan', size: TINY_SIDE, mean: [0, 0, 0], std: [1, 1, 1], preprocessing: 'bag-2' },
    fusion: 'logits',
    outputs: { logits: 'logits', cams: ['cam_1', 'cam_2', 'cam_3'] },
    classes: ['gun', 'knife', 'wrench', 'pliers', 'scissors'],
    calibration: {
      method: 'platt',
      sample: 'none',
      classes: mapClasses(() => ({ a: 1, b: 0, prevalence: 0.5, positives: 100, negatives: 100 })),
    },
    thresholds: mapClasses(() => ({ advisory: 0, alarm: 1 })),
    imageStatistics: { brightness: moment, background: moment, aspect: moment, bagShare: moment },
    provenance: {},
    figures: [],
    ...change,
  }
  const modelPath = join(folder, 'tiny.onnx')
  writeFileSync(modelPath, onnx)
  writeFileSync(join(folder, 'tiny.json'), JSON.stringify(manifest))
  return { manifest, modelPath }
}
