// `lanescope models`: which models there are, and which is used where none is named.
import type { Command } from 'commander'
import { modelFolder, modelsIn, type ModelFiles } from '../inference/model-files'
import { UsageError } from './exit'
import { out } from './terminal'

export function register(program: Command): void {
  program
    .command('models')
    .summary('list the models that there are')
    .description(
      'Lists the models of LANESCOPE_MODELS, or else the bundled ones, the default first. A name from here can be given to --model of other commands.',
    )
    .option('--json', 'one JSON line a model on stdout, nothing else there')
    .action(async ({ json }: { json?: boolean }) => {
      await out(...found().map((model, i) => (json ? JSON.stringify(inJson(model, i)) : inWords(model, i))))
    })
}

function found(): ModelFiles[] {
  const folder = modelFolder(import.meta.dirname)
  try {
    return folder === null ? [] : modelsIn(folder)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

const inJson = ({ manifest, manifestPath }: ModelFiles, i: number): object => ({
  name: manifest.name,
  version: manifest.version,
  precision: manifest.precision,
  backbone: manifest.backbone,
  size: manifest.input.size,
  megabytes: Math.round(manifest.bytes / 1e5) / 10,
  sha256: manifest.sha256,
  manifest: manifestPath,
  default: i === 0,
})

function inWords({ manifest }: ModelFiles, i: number): string {
  const { name, version, precision, backbone, input, bytes } = manifest
  return `${name}@${version}  ${precision}, ${backbone}, ${input.size} px, ${(bytes / 1e6).toFixed(1)} MB${i === 0 ? '  (default)' : ''}`
}
