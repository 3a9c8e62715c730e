// Finds a model on disk: its manifest (checked) and where its ONNX file lies.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import * as z from 'zod'
import { modelManifest, type ModelManifest } from '../../shared/manifest'

export interface ModelFiles {
  manifest: ModelManifest
  /** absolute */
  manifestPath: string
  /** absolute; its hash is checked when the session opens it */
  modelPath: string
}

/** Reads one manifest. Throws in plain words where it is missing, no JSON, or not of schema 1. */
export function readManifest(path: string): ModelFiles {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new Error(`The model manifest ${path} can't be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  const parsed = modelManifest.safeParse(content)
  if (!parsed.success) throw new Error(`The model manifest ${path} is not valid: ${z.prettifyError(parsed.error)}`)
  return { manifest: parsed.data, manifestPath: resolve(path), modelPath: join(dirname(resolve(path)), parsed.data.file) }
}

/**
 * Every model of a folder, the one that is used by default first: full precision before others, then by name. Other JSON files, i.e. ones without
 * `schema` and `file`, are passed over. Throws where a manifest is not valid.
 */
export function modelsIn(folder: string): ModelFiles[] {
  const names = safeList(folder).filter((name) => name.endsWith('.json') && looksLikeManifest(join(folder, name)))
  const reduced = ({ manifest }: ModelFiles): number => (manifest.precision === 'fp32' ? 0 : 1)
  return names
    .sort()
    .map((name) => readManifest(join(folder, name)))
    .sort((a, b) => reduced(a) - reduced(b))
}

/** A folder's default model. Throws where there is none, or a manifest is not valid. */
export function findModel(folder: string): ModelFiles {
  const [first] = modelsIn(folder)
  if (first === undefined)
    throw new Error(`There is no model in ${resolve(folder)}: it needs a manifest (NAME.json) beside its NAME.onnx.`)
  return first
}

/** Where models are looked for by name: `LANESCOPE_MODELS`, else `resources/models` at or above `from` (pass `import.meta.dirname`); null: nowhere. */
export function modelFolder(from: string): string | null {
  const set = process.env['LANESCOPE_MODELS']
  if (set !== undefined && set !== '') return set.endsWith('.json') ? dirname(set) : set
  for (let dir = from; ; dir = dirname(dir)) {
    const models = join(dir, 'resources', 'models')
    if (safeList(models).length > 0) return models
    if (dirname(dir) === dir) return null
  }
}

/**
 * Where the model comes from: a folder, a manifest or a model's name that was given, else what `LANESCOPE_MODELS` says, else the bundled default (`from`:
 * see `modelFolder`). Throws in plain words where no model is found.
 */
export function chooseModel(from: string, named?: string): ModelFiles {
  const chosen = named ?? process.env['LANESCOPE_MODELS']
  if (chosen !== undefined && chosen !== '') {
    if (chosen.endsWith('.json')) return readManifest(chosen)
    return isName(chosen) ? byName(from, chosen) : findModel(chosen)
  }
  const folder = modelFolder(from)
  if (folder === null)
    throw new Error('There is no resources/models folder: name a model folder with --model or LANESCOPE_MODELS.')
  return findModel(folder)
}

/** A plain word that is no folder here. */
const isName = (chosen: string): boolean => !/[\\/]/.test(chosen) && chosen !== '.' && chosen !== '..' && !existsSync(chosen)

function byName(from: string, name: string): ModelFiles {
  const folder = modelFolder(from)
  const models = folder === null ? [] : modelsIn(folder)
  const found = models.find(({ manifest }) => manifest.name === name)
  if (found === undefined)
    throw new Error(
      `There is no model or folder named ${name}. Models: ${models.map(({ manifest }) => manifest.name).join(', ') || 'none'}.`,
    )
  return found
}

function safeList(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function looksLikeManifest(path: string): boolean {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return typeof content === 'object' && content !== null && 'schema' in content && 'file' in content
  } catch {
    // A manifest that is no JSON must be an error, not a model passed over: `<name>.onnx` beside it says what it was meant to be.
    return safeList(dirname(path)).includes(basename(path).replace(/json$/, 'onnx'))
  }
}

/** The manifest's held-out scores as text; null when the model has none. Rejects when the file is not the one that the manifest names. */
export async function heldOutScores({ manifest, manifestPath }: ModelFiles): Promise<string | null> {
  if (!manifest.scores) return null
  const bytes = await readFile(join(dirname(manifestPath), manifest.scores.file))
  if (createHash('sha256').update(bytes).digest('hex') !== manifest.scores.sha256)
    throw new Error(`${manifest.scores.file} is not the file that the model's manifest names (its hash differs).`)
  return bytes.toString('utf8')
}
