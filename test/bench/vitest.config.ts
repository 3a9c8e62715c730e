// Benches that run by hand: npm run bench:month.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { environment: 'node', include: ['test/bench/**/*.bench.ts'], pool: 'forks', testTimeout: 120_000 },
})
