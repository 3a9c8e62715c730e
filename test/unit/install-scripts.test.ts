// What `npm ci` may run on a machine: a new package with an install script (they fetch things) has to be looked at before it gets in here.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const json = (file: string): unknown => JSON.parse(readFileSync(resolve(root, file), 'utf8'))

/** Each with what its script does, and whether it runs here. */
const KNOWN: Record<string, boolean> = {
  // links the Node that its own package on the registry carries
  node: true,
  // would fetch CUDA binaries from NuGet
  // eslint-disable-next-line no-restricted-syntax -- a name, nothing is loaded
  'onnxruntime-node': false,
}

test('no package but the known ones has an install script, and only those that fetch nothing but from the registry run', () => {
  const { packages } = json('package-lock.json') as {
    packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }>
  }
  const scripted = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
    hasInstallScript === true ? [path.replace(/^.*node_modules\//, '')] : [],
  )
  expect(scripted.sort()).toEqual(Object.keys(KNOWN).sort())
  const { allowScripts } = json('package.json') as { allowScripts: Record<string, boolean> }
  for (const [name, runs] of Object.entries(KNOWN)) expect(allowScripts[name], name).toBe(runs)
  expect(readFileSync(resolve(root, '.npmrc'), 'utf8')).toMatch(/^onnxruntime-node-install=skip$/m)
})

test('every package comes from the registry, with its hash', () => {
  const { packages } = json('package-lock.json') as {
    packages: Record<string, { resolved?: string; integrity?: string; link?: boolean }>
  }
  const odd = Object.entries(packages).filter(
    ([path, { resolved, integrity }]) =>
      path !== '' && ((resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')) || integrity === undefined),
  )
  expect(odd.map(([path]) => path)).toEqual([])
})
