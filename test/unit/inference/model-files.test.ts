// Which model is used: the default of a folder, one by its name, by its folder or manifest; and what is said where there is none.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { chooseModel, findModel, modelsIn } from '../../../src/main/inference/model-files'
import { tinyOnnx, writeTinyModel } from './tiny-model'

const root = mkdtempSync(join(tmpdir(), 'lanescope-models-'))
afterAll(() => rmSync(root, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

/** A program's folder with two models, of which the int8 one comes first by name. */
function program(): { from: string; models: string } {
  const from = mkdtempSync(join(root, 'program-'))
  const models = join(from, 'resources', 'models')
  const { manifest } = writeTinyModel(models)
  const small = { ...manifest, name: 'tiny-int8', precision: 'int8' }
  writeFileSync(join(models, 'a-tiny-int8.json'), JSON.stringify(small))
  writeFileSync(join(models, 'notes.json'), '{"what": "no manifest"}')
  return { from, models }
}

test('the default is of full precision, whatever comes first by name', () => {
  const { from, models } = program()
  expect(modelsIn(models).map(({ manifest }) => manifest.name)).toEqual(['tiny', 'tiny-int8'])
  expect(findModel(models).manifest.name).toBe('tiny')
  expect(chooseModel(join(from, 'out', 'main')).manifest.name).toBe('tiny')
})

test('a model by its name, its folder or its manifest', () => {
  const { from, models } = program()
  expect(chooseModel(from, 'tiny-int8').manifest.precision).toBe('int8')
  expect(chooseModel(from, models).manifest.name).toBe('tiny')
  expect(chooseModel(from, join(models, 'a-tiny-int8.json')).manifest.name).toBe('tiny-int8')
  const elsewhere = join(root, 'elsewhere')
  writeTinyModel(elsewhere, tinyOnnx(), { name: 'other' })
  vi.stubEnv('LANESCOPE_MODELS', elsewhere)
  expect(chooseModel(from).manifest.name).toBe('other')
  expect(chooseModel(from, 'other').manifest.name).toBe('other')
  expect(() => chooseModel(from, 'tiny-int8')).toThrow(/Models: other/)
})

test('a name that there is not, and a folder without a model, are said', () => {
  const { from } = program()
  expect(() => chooseModel(from, 'huge')).toThrow('There is no model or folder named huge. Models: tiny, tiny-int8.')
  const empty = join(root, 'empty')
  mkdirSync(empty)
  expect(() => chooseModel(from, empty)).toThrow(/There is no model in/)
})
