// The domain's metrics against Python's (fixture made by training/tests/test_metrics.py), by hand, and as properties.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  aucEstimate,
  averagePrecision,
  classificationTable,
  interval,
  mulberry32,
  pointingTable,
  rocAuc,
  wilson,
  type Estimate,
  type Label,
  type Protocol,
} from '../../src/domain/metrics.js'
import { inAnyBox, peakOverScales } from '../../src/domain/pointing.js'

type Plain = Record<keyof Estimate, number | null>
interface Fixture {
  classes: string[]
  scores: number[][]
  labels: Label[][]
  groups: string[]
  hits: Label[][]
  cams: number[][][]
  size: number
  options: { replicates: number; seed: number }
  expected: {
    tables: Record<Protocol, Record<string, Plain>>
    auc: Plain[]
    pointing: Record<string, Plain>
    peak: [number, number]
    windows: { height: number; width: number; window: [number, number, number, number]; peak: [number, number] }[]
    wilson: [number, number]
    stream: number[]
  }
}

const fixture = JSON.parse(readFileSync(new URL('../fixtures/metrics/random.json', import.meta.url), 'utf8')) as Fixture
const options = { ...fixture.options, groups: fixture.groups }

function expectSame(ours: Estimate | undefined, python: Plain | undefined, where: string): void {
  expect(ours, where).toBeDefined()
  for (const [key, theirs] of Object.entries(python ?? {}) as [keyof Estimate, number | null][]) {
    const value = ours?.[key] ?? Infinity
    if (theirs === null) expect(value, `${where} ${key}`).toBeNaN()
    else expect(Math.abs(value - theirs), `${where} ${key}: ${value} against ${theirs}`).toBeLessThan(1e-6)
  }
}

describe('the same figures as Python, to 1e-6, intervals included', () => {
  it.each(['voc-all', 'voc-11', 'step'] as const)('average precision %s', (protocol) => {
    const table = classificationTable(fixture.scores, fixture.labels, fixture.classes, { ...options, protocol })
    expect(Object.keys(table)).toEqual([...fixture.classes, 'mean'])
    for (const name of Object.keys(table)) expectSame(table[name], fixture.expected.tables[protocol][name], `${protocol} ${name}`)
  })

  it('ROC area', () => {
    for (const c of fixture.classes.keys()) {
      const scores = fixture.scores.map((row) => row[c] ?? NaN)
      const labels = fixture.labels.map((row) => row[c] ?? -1)
      expectSame(aucEstimate(scores, labels, options), fixture.expected.auc[c], `class ${c}`)
    }
  })

  it('pointing accuracy', () => {
    const table = pointingTable(fixture.hits, fixture.classes, options)
    for (const name of Object.keys(table)) expectSame(table[name], fixture.expected.pointing[name], name)
  })

  it('the peak over scales, the random stream, Wilson', () => {
    const maps = fixture.cams.map((rows) => ({ data: rows.flat(), width: rows[0]?.length ?? 0, height: rows.length }))
    const peak = peakOverScales(maps, fixture.size, fixture.size)
    expect([peak.x, peak.y]).toEqual(fixture.expected.peak)
    expect(fixture.expected.windows).not.toHaveLength(0)
    for (const { height, width, window, peak: theirs } of fixture.expected.windows) {
      const [x0, y0, x1, y1] = window
      const ours = peakOverScales(maps, height, width, { x0, y0, x1, y1 })
      expect([ours.x, ours.y]).toEqual(theirs)
    }
    const next = mulberry32(fixture.options.seed)
    expect(fixture.expected.stream.map(() => next())).toEqual(fixture.expected.stream)
    expect(wilson(18, 20)[0]).toBeCloseTo(fixture.expected.wilson[0], 12)
  })
})

describe('by hand', () => {
  const scores = [0.9, 0.8, 0.7, 0.6]
  const labels: Label[] = [1, 0, 1, 0]
  it('average precision of + - + -', () => {
    expect(averagePrecision(scores, labels)).toBeCloseTo(0.5 + 1 / 3, 12)
    expect(averagePrecision(scores, labels, 'voc-11')).toBeCloseTo((6 + 10 / 3) / 11, 12)
  })
  it('refuses a NaN score rather than ranking it', () => {
    expect(() => rocAuc([NaN, 1], [1, 0])).toThrow(/NaN/)
  })
  it('ranks infinite scores', () => {
    expect(rocAuc([Infinity, Infinity, -Infinity], [1, 1, 0])).toBe(1)
  })
  it('says NaN where nothing is defined', () => {
    expect(averagePrecision([1, 2], [0, 0])).toBeNaN()
    expect(rocAuc([], [])).toBeNaN()
    expect(interval([NaN])).toEqual([NaN, NaN])
  })
  it("counts a box's edge as inside", () => {
    expect(inAnyBox(2, 3, [{ xmin: 2, ymin: 3, xmax: 4, ymax: 4 }])).toBe(true)
    expect(inAnyBox(1.999, 3, [{ xmin: 2, ymin: 3, xmax: 4, ymax: 4 }])).toBe(false)
  })
})

describe('properties', () => {
  const samples = fc.array(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.constantFrom<Label>(1, -1, 0)), {
    minLength: 1,
    maxLength: 40,
  })
  it('the area is the share of pairs in the right order, ties half', () => {
    fc.assert(
      fc.property(samples, (rows) => {
        const up = rows.filter(([, l]) => l === 1).map(([s]) => s)
        const down = rows.filter(([, l]) => l === 0).map(([s]) => s)
        const won = up.flatMap((p) => down.map((q) => (p > q ? 1 : p === q ? 0.5 : 0))).reduce<number>((a, b) => a + b, 0)
        const area = rocAuc(
          rows.map(([s]) => s),
          rows.map(([, l]) => l),
        )
        if (up.length * down.length === 0) expect(area).toBeNaN()
        else expect(area).toBeCloseTo(won / (up.length * down.length), 10)
      }),
    )
  })
  it('neither order nor a monotone change of the scores matters', () => {
    fc.assert(
      fc.property(samples, (rows) => {
        const plain = averagePrecision(
          rows.map(([s]) => s),
          rows.map(([, l]) => l),
        )
        const turned = [...rows].reverse()
        const same = averagePrecision(
          turned.map(([s]) => Math.exp(s)),
          turned.map(([, l]) => l),
        )
        if (Number.isNaN(plain)) expect(same).toBeNaN()
        else expect(same).toBeCloseTo(plain, 10)
      }),
    )
  })
})
