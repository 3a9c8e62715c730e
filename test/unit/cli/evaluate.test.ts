// `lanescope evaluate` as a person runs it: the built command line, a real (tiny) model, simulated scans in SIXray's layout; and Python on the same scores.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTable, type Evaluation } from '../../../src/main/cli/evaluate-table'
import { listImages, parseAnnotation, readAnnotation, readLabels } from '../../../src/main/cli/labelled-scans'
import { THREAT_CLASSES } from '../../../src/shared/classes'
import { built } from '../inference/built'
import { bagScan, fill, jpeg } from '../inference/scans'
import { writeTinyModel } from '../inference/tiny-model'

const root = resolve(import.meta.dirname, '../../..')
const fixture = join(root, 'test/fixtures/metrics/evaluate')
const python = join(root, '.venv/bin/python')
const folder = mkdtempSync(join(tmpdir(), 'lanescope-evaluate-'))
const images = join(folder, 'JPEGImage')
const annotations = join(folder, 'Annotation')
const labels = join(folder, 'list.csv')
const SCANS = 24
let cli: string

/** Scans with a red, green or blue object: the tiny model's maps follow the colours. The first two classes are mixed up on purpose. */
beforeAll(async () => {
  cli = (await built('evaluate')).entry
  const { manifest } = writeTinyModel(join(folder, 'model'))
  expect(manifest.classes).toEqual([...THREAT_CLASSES])
  mkdirSync(images)
  mkdirSync(annotations)
  const rows = ['name,Gun,Knife,Wrench,Pliers,Scissors,group']
  const colours: [number, number, number][] = [
    [20, 200, 200],
    [200, 20, 200],
    [200, 200, 20],
    [20, 20, 200],
    [200, 20, 20],
  ]
  for (let i = 0; i < SCANS; i += 1) {
    const name = `P${String(i).padStart(5, '0')}`
    const scan = bagScan()
    const held = i % 7
    const [x, y] = [120 + ((i * 37) % 110), 90 + ((i * 53) % 80)]
    const shown = held > 4 ? undefined : colours[i % 11 === 3 ? (held + 1) % 5 : held]
    if (shown) {
      fill(scan, x, y, x + 34, y + 34, shown)
      const box = `<xmin>${x}</xmin><ymin>${y}</ymin><xmax>${x + 34}</xmax><ymax>${y + 34}</ymax>`
      writeFileSync(
        join(annotations, `${name}.xml`),
        `<annotation><size><width>400</width><height>300</height><depth>3</depth></size><object><name>${THREAT_CLASSES[held] ?? ''}</name><bndbox>${box}</bndbox></object></annotation>`,
      )
    }
    writeFileSync(join(images, `${name}.jpg`), await jpeg(scan))
    rows.push(
      [name, ...THREAT_CLASSES.map((_, c) => (c === held ? 1 : i % 9 === 4 && c === 2 ? 0 : -1)), `bag${i >> 1}`].join(','),
    )
  }
  rows.push('P99999,1,-1,-1,-1,-1,elsewhere')
  writeFileSync(labels, rows.join('\r\n'))
  writeFileSync(join(images, 'N0000001.jpg'), await jpeg(bagScan()))
})
afterAll(() => rmSync(folder, { recursive: true }))

function lanescope(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const run = spawnSync(process.execPath, [cli, 'evaluate', '--model', join(folder, 'model'), ...args], { encoding: 'utf8' })
  return { code: run.status, stdout: run.stdout, stderr: run.stderr }
}
const where = ['--images', images, '--labels', labels, '--annotations', annotations]
type Output = Evaluation & { notInFolder: number; notInList: number; unscored: unknown[]; model: string }

test('one JSON object with figures, intervals and counts', () => {
  const scores = join(folder, 'scores.csv')
  const run = lanescope(...where, '--json', '--save-scores', scores)
  expect(run).toMatchObject({ code: 0, stderr: '' })
  const output = JSON.parse(run.stdout) as Output
  expect(output).toMatchObject({
    scans: SCANS,
    notInFolder: 1,
    notInList: 1,
    unscored: [],
    protocol: 'voc-all',
    model: 'tiny@test',
  })
  for (const name of [...THREAT_CLASSES, 'mean']) {
    const { value, low, high } = output.averagePrecision[name] ?? { value: NaN, low: NaN, high: NaN }
    expect(value, name).toBeGreaterThan(0)
    expect(low).toBeLessThanOrEqual(value)
    expect(high).toBeGreaterThanOrEqual(value)
  }
  expect(output.averagePrecision['gun']?.positives).toBe(4)
  expect(output.pointing?.['mean']?.positives).toBeGreaterThan(0)

  if (process.env['LANESCOPE_WRITE_FIXTURES'] === 'yes') {
    mkdirSync(fixture, { recursive: true })
    writeFileSync(join(fixture, 'scores.csv'), readFileSync(scores))
    const { protocol, replicates, seed, scans, averagePrecision, pointing } = output
    writeFileSync(
      join(fixture, 'table.json'),
      `${JSON.stringify({ protocol, replicates, seed, scans, averagePrecision, pointing })}\n`,
    )
  }
})

test.skipIf(!existsSync(python))('Python (.venv) makes the same table of the same scores', () => {
  const scores = join(folder, 'scores.csv')
  const output = JSON.parse(lanescope(...where, '--json', '--save-scores', scores).stdout) as Output
  const theirs = spawnSync(python, ['-m', 'lanescope', 'evaluate', '--scores', scores, '--json'], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONPATH: join(root, 'training') },
  })
  expect(theirs.stderr).toBe('')
  compare(output, JSON.parse(theirs.stdout) as Evaluation)
})

test('the table that Python checks in its own tests is the one made here', () => {
  const scores = readFileSync(join(fixture, 'scores.csv'), 'utf8')
  const table = JSON.parse(readFileSync(join(fixture, 'table.json'), 'utf8')) as Evaluation
  expect(scores.trim().split('\n')).toHaveLength(table.scans + 1)
})

function compare(ours: Evaluation, theirs: Evaluation): void {
  for (const kind of ['averagePrecision', 'pointing'] as const) {
    const [mine, other] = [ours[kind] ?? {}, theirs[kind] ?? {}]
    expect(Object.keys(other)).toEqual(Object.keys(mine))
    for (const [name, estimate] of Object.entries(mine))
      for (const [key, value] of Object.entries(estimate) as [keyof typeof estimate, number | null][]) {
        const python = other[name]?.[key] ?? null
        if (value === null || python === null) expect(python, `${kind} ${name} ${key}`).toBe(value)
        else expect(Math.abs(python - value), `${kind} ${name} ${key}`).toBeLessThan(1e-6)
      }
  }
}

test('without --json: a table a person can read', () => {
  const run = lanescope(...where)
  expect(run.code).toBe(0)
  expect(run.stdout).toMatch(/AP +95 %.*pointing/)
  for (const name of [...THREAT_CLASSES, 'mean']) expect(run.stdout).toMatch(new RegExp(`^${name} +\\d+\\.\\d`, 'm'))
  expect(run.stdout).toContain('1 listed scans are not in the folder')
})

test('a scan that cannot be scored is named and left out; exit code 2', () => {
  const broken = join(images, 'P00000.jpg')
  const kept = readFileSync(broken)
  writeFileSync(broken, 'not a scan')
  try {
    const run = lanescope(...where, '--json')
    expect(run.code).toBe(2)
    const output = JSON.parse(run.stdout) as Output
    expect(output.scans).toBe(SCANS - 1)
    expect(output.unscored).toMatchObject([{ name: 'P00000' }])
    expect(run.stderr).toMatch(/P00000 could not be scored/)
  } finally {
    writeFileSync(broken, kept)
  }
})

test('wrong use is told before anything is scored: exit code 64', () => {
  const bad = join(folder, 'bad.csv')
  writeFileSync(bad, 'name,Gun\nP00000,1\n')
  for (const [args, why] of [
    [['--images', images, '--labels', bad], /no column knife/],
    [['--images', join(folder, 'nowhere'), '--labels', labels], /nowhere/],
    [['--images', annotations, '--labels', labels], /None of the 25 listed scans/],
    [['--images', images], /--labels/],
  ] as const) {
    const run = lanescope(...args)
    expect([run.code, run.stdout]).toEqual([64, ''])
    expect(run.stderr).toMatch(why)
  }
})

describe('lists and annotations', () => {
  test('labels: columns by name, byte order mark, line numbers in errors', () => {
    const file = join(folder, 'l.csv')
    writeFileSync(file, '\uFEFFname,Scissors,Gun,Knife,Wrench,Pliers\r\nA,1,-1,0,-1,-1\r\n\r\n')
    expect(readLabels(file)).toEqual([{ name: 'A', labels: [0, -1, 0, 0, 1], group: 'A' }])
    writeFileSync(file, 'name,Gun,Knife,Wrench,Pliers,Scissors\nA,1,1,1,1,1\nB,2,1,1,1,1\n')
    expect(() => readLabels(file)).toThrow(/line 3/)
    writeFileSync(file, 'name,Gun,Knife,Wrench,Pliers,Scissors\nA,1,1,1,1,1\nA,1,1,1,1,1\n')
    expect(() => readLabels(file)).toThrow(/A is listed twice/)
  })
  test('annotations: VOC boxes, others left out, broken ones refused, missing ones null', () => {
    const size = '<size><width>10</width><height>20</height></size>'
    const box = (name: string, xmax: string): string =>
      `<object><name>${name}</name><bndbox><xmin>1</xmin><ymin>2.5</ymin><xmax>${xmax}</xmax><ymax>4</ymax></bndbox></object>`
    const parse = (inside: string): ReturnType<typeof parseAnnotation> =>
      parseAnnotation(`<annotation>${inside}</annotation>`, 'f.xml')
    const found = parse(size + box('Knife', '3') + box('Hammer', '3'))
    expect(found.boxes.knife).toEqual([{ xmin: 1, ymin: 2.5, xmax: 3, ymax: 4 }])
    expect(found.boxes.gun).toEqual([])
    for (const broken of [
      size + box('Knife', '1'),
      size + box('Knife', 'x'),
      box('Knife', '3'),
      `${size}<object><name>Gun</name></object>`,
    ])
      expect(() => parse(broken)).toThrow(/f\.xml: not a VOC annotation/)
    expect(() => parseAnnotation('nothing', 'f.xml')).toThrow(/not a VOC/)
    expect(readAnnotation(folder, 'no such scan')).toBeNull()
  })
  test('images: one listing, by name', () => {
    expect(listImages(images).get('P00003')).toBe(join(images, 'P00003.jpg'))
  })
  test('a table without boxes shows dashes, not zeros', () => {
    const none = { value: NaN, low: NaN, high: NaN, positives: 0, negatives: 3, groups: 3 }
    const evaluation: Evaluation = {
      protocol: 'voc-all',
      replicates: 1,
      seed: 0,
      scans: 3,
      pointing: null,
      averagePrecision: { gun: none, mean: none },
    }
    expect(inTable(evaluation).split('\n')[1]).toMatch(/^gun +– /)
  })
})
