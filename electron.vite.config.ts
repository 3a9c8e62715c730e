// One build of three bundles: main (Electron, served, command line, inference process), preload (CommonJS: a sandboxed renderer can load no other), renderer.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { resolve } from 'node:path'
import { defineConfig } from 'electron-vite'

// On a slow machine the build's own word on which plugin took long would be a newcomer's first warning.
const checks = { pluginTimings: false }
const main = (file: string): string => resolve(import.meta.dirname, 'src/main', file)

export default defineConfig({
  main: {
    build: {
      rolldownOptions: {
        checks,
        input: {
          index: main('index.ts'),
          serve: main('serve.ts'),
          cli: main('cli.ts'),
          'inference-process': main('inference/process.ts'),
          'chore-thread': main('store/chore-thread.ts'),
        },
      },
    },
  },
  preload: {
    build: {
      rolldownOptions: {
        checks,
        input: { index: resolve(import.meta.dirname, 'src/preload/index.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src/renderer',
    plugins: [svelte({ configFile: resolve(import.meta.dirname, 'svelte.config.js') })],
    build: { rolldownOptions: { checks, input: { index: resolve(import.meta.dirname, 'src/renderer/index.html') } } },
  },
})
