// Bundles the inference process and what else a test runs, as the build does, so that tests run the real thing without a whole build.
import { resolve } from 'node:path'
import { build } from 'vite'

const root = resolve(import.meta.dirname, '../../..')
const main = (file: string): string => resolve(root, 'src/main', file)

/**
 * Builds into a folder of the caller's own (`name`), so that two test files may run at once. Returns the paths of the bundled inference process
 * and of the other entry: the command line, or the file given.
 */
export async function built(name: string, entry = main('cli.ts')): Promise<{ process: string; entry: string }> {
  const outDir = resolve(root, '.cache/test-inference', name)
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: true,
      outDir,
      emptyOutDir: true,
      target: 'node22',
      rolldownOptions: {
        input: { 'inference-process': main('inference/process.ts'), entry },
        output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' },
      },
    },
  })
  return { process: resolve(outDir, 'inference-process.js'), entry: resolve(outDir, 'entry.js') }
}
