// Two projects: what runs under Node (unit, parity) and Svelte components under jsdom.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { svelteTesting } from '@testing-library/svelte/vite'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/unit/**/*.test.ts', 'test/parity/**/*.test.ts', 'test/electron/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [svelte(), svelteTesting()],
        test: { name: 'component', environment: 'jsdom', include: ['test/component/**/*.test.ts'], testTimeout: 30_000 },
      },
    ],
  },
})
