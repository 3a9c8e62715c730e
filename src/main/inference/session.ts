// The ONNX session: model checked against its manifest, best execution provider that really runs, self-test before the first scan.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { ActivationMap } from '../../domain/cam'
import { mapClasses, THREAT_CLASSES, type PerClass } from '../../shared/classes'
import type { ModelManifest } from '../../shared/manifest'
import { env, InferenceSession, listSupportedBackends, Tensor, type Session, type ValueMetadata } from './onnxruntime'
import { normalise } from './preprocess'

/** Raw outputs for one scan. */
export interface NetworkRun {
  /** a class's logits by level, level 1 first; all finite */
  logits: PerClass<number[]>
  /** a class's maps by level, level 1 first */
  cams: PerClass<ActivationMap[]>
}
export interface Network {
  provider: string
  /** why no better provider runs; null where the best one does */
  note: string | null
  /** One scan, float32 [3, S, S]. Throws where an output is not finite: such a scan must not be judged. */
  run(tensor: Float32Array): Promise<NetworkRun>
}

const first = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]?.slice(0, 300) ?? ''

/**
 * Opens a model on CUDA, else WebGPU (where asked for), else CPU; on the CPU alone where `cpuOnly` says why; on one thread unless it is `alone`. Throws in plain words where the file is not the manifest's, the graph is
 * not the contract's, or no provider runs it.
 */
export async function openNetwork(
  manifest: ModelManifest,
  modelPath: string,
  { webgpu, cpuOnly, alone = true }: { webgpu: boolean; cpuOnly: string | null; alone?: boolean } = {
    webgpu: false,
    cpuOnly: null,
  },
): Promise<Network> {
  const model = await readModel(manifest, modelPath)
  // A provider that is missing is an answer here, not an error to print: what fails throws anyway.
  env.logLevel = 'fatal'
  // Several processes share the cores better than several threads in one: nothing waits for anything.
  const threads = alone ? {} : { intraOpNumThreads: 1, interOpNumThreads: 1 }
  const notes = cpuOnly === null ? [] : [cpuOnly]
  const bundled = listSupportedBackends().map(({ name }) => name)
  for (const provider of cpuOnly === null ? ['cuda', ...(webgpu ? ['webgpu'] : []), 'cpu'] : ['cpu']) {
    if (!bundled.includes(provider)) {
      notes.push(`${provider} is not in this build`)
      continue
    }
    try {
      const session = await InferenceSession.create(model, { executionProviders: [provider], logSeverityLevel: 3, ...threads })
      checkGraph(session, manifest)
      const network = { provider, note: notes.length === 0 ? null : notes.join('; '), run: runner(session, manifest) }
      await selfTest(network, manifest)
      return network
    } catch (error) {
      if (error instanceof WrongModel || provider === 'cpu')
        throw new Error(`The model ${manifest.file} can't be used: ${first(error)}`, { cause: error })
      notes.push(`${provider}: ${whyNot(error)}`)
    }
  }
  throw new Error(`No execution provider runs the model: ${notes.join('; ')}`)
}

/** A provider's failure, short enough for a status bar. */
function whyNot(error: unknown): string {
  const message = first(error)
  if (/load (shared )?library/i.test(message)) return 'its libraries are not installed'
  if (/failed to get a webgpu adapter/i.test(message)) return 'no graphics card that it can use'
  return message.slice(0, 160)
}

/** The graph is not what the manifest or the contract says: no other provider would help. */
class WrongModel extends Error {}

async function readModel(manifest: ModelManifest, path: string): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new Error(`The model file ${path} can't be read: ${first(error)}`, { cause: error })
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== manifest.sha256)
    throw new Error(
      `The model file ${path} is not the one its manifest names (SHA-256 ${sha256.slice(0, 12)}…, expected ${manifest.sha256.slice(0, 12)}…).`,
    )
  if (manifest.outputs.cams.length !== manifest.levels)
    throw new Error('The manifest names a different number of CAM outputs than levels.')
  if (!THREAT_CLASSES.every((name, index) => manifest.classes[index] === name))
    throw new Error(`The manifest's classes are not ${THREAT_CLASSES.join(', ')} in this order.`)
  return bytes
}

/** Compares a stated shape with the expected one; symbolic and free dimensions (the batch) fit anything. */
function fits(stated: readonly (number | string)[], expected: readonly (number | null)[]): boolean {
  return (
    stated.length === expected.length &&
    stated.every((d, i) => typeof d === 'string' || d < 0 || expected[i] === null || d === expected[i])
  )
}

function checkGraph(session: Session, { input, outputs, levels }: ModelManifest): void {
  const check = (metadata: readonly ValueMetadata[], name: string, expected: readonly (number | null)[]): void => {
    const found = metadata.find((m) => m.name === name)
    if (!found?.isTensor || found.type !== 'float32' || !fits(found.shape, expected))
      throw new WrongModel(`the graph has no float32 tensor "${name}" of shape [${expected.map((d) => d ?? '·').join(', ')}]`)
  }
  check(session.inputMetadata, input.name, [null, 3, input.size, input.size])
  check(session.outputMetadata, outputs.logits, [null, levels, THREAT_CLASSES.length])
  for (const cam of outputs.cams) check(session.outputMetadata, cam, [null, THREAT_CLASSES.length, null, null])
}

function runner(session: Session, { input, outputs, levels }: ModelManifest): Network['run'] {
  const C = THREAT_CLASSES.length
  return async (tensor) => {
    const feeds = { [input.name]: new Tensor('float32', tensor, [1, 3, input.size, input.size]) }
    const results = await session.run(feeds, [outputs.logits, ...outputs.cams])
    const values = (name: string, rank: number): { data: Float32Array; dims: readonly number[] } => {
      const result = results[name]
      if (result === undefined || !(result.data instanceof Float32Array) || result.dims.length !== rank)
        throw new WrongModel(`the graph did not answer with the float32 tensor "${name}"`)
      if (!result.data.every(Number.isFinite)) throw new Error('The network gave a score or map that is not a finite number.')
      return { data: result.data, dims: result.dims }
    }
    const { data: logits, dims } = values(outputs.logits, 3)
    if (dims[0] !== 1 || dims[1] !== levels || dims[2] !== C)
      throw new WrongModel(`the logits have the shape [${dims.join(', ')}]`)
    const maps = outputs.cams.map((name) => values(name, 4))
    return {
      logits: mapClasses((name) =>
        Array.from({ length: levels }, (_, level) => logits[level * C + THREAT_CLASSES.indexOf(name)] ?? Number.NaN),
      ),
      cams: mapClasses((name) =>
        maps.map(({ data, dims: [batch, classes, height = 0, width = 0] }) => {
          if (batch !== 1 || classes !== C || height < 1 || width < 1) throw new WrongModel('a CAM has an unexpected shape')
          const from = THREAT_CLASSES.indexOf(name) * height * width
          return { width, height, values: data.slice(from, from + height * width) }
        }),
      ),
    }
  }
}

/** A provider that opens a model may still fail to run it: one white square through the whole graph tells. */
async function selfTest(network: Network, { input }: ModelManifest): Promise<void> {
  await network.run(normalise(new Uint8Array(input.size * input.size * 3).fill(255), input))
}
