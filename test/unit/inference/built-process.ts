// Bundles the inference process's entry, as the build does, so that tests fork the real thing without a whole build.
import { resolve } from 'node:path'
import { build } from 'vite'

const root = resolve(import.meta.dirname, '../../..')

/** Path of the bundled entry; each test file has its own, so that two may run at once. */
export async function builtProcess(name: string): Promise<string> {
  const outDir = resolve(root, '.cache/test-inference', name)
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: resolve(root, 'src/main/inference/process.ts'),
      outDir,
      emptyOutDir: true,
      target: 'node22',
      rollupOptions: { output: { entryFileNames: 'inference-process.js' } },
    },
  })
  return resolve(outDir, 'inference-process.js')
}
