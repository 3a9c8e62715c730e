// How the levels become one prediction, against the fixture that training/tests/test_network.py makes in sixty digits and holds Python to.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fuse, fuseMaps, type Fusion } from '../../../src/domain/cam'

const rows = JSON.parse(readFileSync(new URL('../../fixtures/metrics/fusion.json', import.meta.url), 'utf8')) as ({
  levels: number[]
} & Record<Fusion, number>)[]

describe.each(['logits', 'probabilities'] as const)('fusion of %s', (rule) => {
  it.each(rows)('of $levels is what Python says', (row) => {
    expect(fuse(row.levels, rule)).toBeCloseTo(row[rule], 9)
  })
  it('goes cell by cell in maps', () => {
    for (const row of rows) {
      const maps = row.levels.map((value) => ({ values: Float32Array.of(value), width: 1, height: 1 }))
      expect(fuseMaps(maps, rule).values[0]).toBeCloseTo(row[rule], 4)
    }
  })
})
