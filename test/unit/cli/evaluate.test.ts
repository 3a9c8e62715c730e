// `lanescope evaluate` as a person runs it: the built command line, a real (tiny) model, simulated scans in SIXray's layout; and Python on the same scores.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTable, type Evaluation } from '../../../src/main/cli/evaluate-table'
import type { AnnotationReport } from '../../../src/main/cli/labels/annotated'
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
type Output = Evaluation & {
  notInFolder: number
  notInList: number
  unscored: unknown[]
  model: string
  annotations: AnnotationReport | null
}

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
  const known = (table: Evaluation['pointing']): number => (table?.['mean']?.positives ?? 0) + (table?.['mean']?.negatives ?? 0)
  expect(known(output.pointingOverScales)).toBe(known(output.pointing))
  expect(output.pointingOverScales?.['mean']?.positives).toBeGreaterThan(0)

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
  for (const kind of ['averagePrecision', 'pointing', 'pointingOverScales'] as const) {
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
  expect(run.stdout).toMatch(/AP +95 %.*the app's peak.*the paper's, 5\.3/)
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

describe('annotations as programs really write them', { timeout: 240_000 }, () => {
  const variants: Record<string, (xml: string) => string | Buffer> = {
    labelimg: (xml) => xml.replace('<annotation>', '<annotation verified="yes">').replace('<object>', '<object >'),
    'utf-16': (xml) => Buffer.from(`\uFEFF<?xml version="1.0" encoding="utf-16"?>${xml}`, 'utf16le'),
    // 安检 in GBK
    gbk: (xml) =>
      Buffer.concat([
        Buffer.from('<?xml version="1.0" encoding="gbk"?><annotation><folder>'),
        Buffer.from([0xb0, 0xb2, 0xbc, 0xec]),
        Buffer.from(`</folder>${xml.slice('<annotation>'.length)}`),
      ]),
    'a commented-out box': (xml) => xml.replace('<object>', `<!-- ${objectOf('scissors', 0, 0, 400, 300)} --><object>`),
    'a box of no area': (xml) => xml.replace('<object>', `${objectOf('scissors', 0, 0, 0, 0)}<object>`),
    'no size': (xml) => xml.replace(/<width>\d+/, '<width>0').replace(/<height>\d+/, '<height>0'),
  }
  const objectOf = (name: string, ...[xmin, ymin, xmax, ymax]: number[]): string =>
    `<object><name>${name}</name><bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox></object>`
  const evaluated = (folder: string): { code: number | null; output: Output; stderr: string } => {
    const run = lanescope('--images', images, '--labels', labels, '--annotations', folder, '--json')
    return { code: run.code, output: JSON.parse(run.stdout) as Output, stderr: run.stderr }
  }
  // once for all: a run takes a while
  let plain: ReturnType<typeof evaluated>
  beforeAll(() => {
    plain = evaluated(annotations)
  }, 240_000)
  const copies = (name: string, change: (xml: string, file: string) => string | Buffer | null): string => {
    const to = join(folder, `notes ${name}`)
    mkdirSync(to)
    for (const file of readdirSync(annotations)) {
      const content = change(readFileSync(join(annotations, file), 'utf8'), file)
      if (content !== null) writeFileSync(join(to, file), content)
    }
    return to
  }

  test.each(Object.keys(variants))('%s: the same figures', (name) => {
    const change = variants[name] ?? ((xml: string) => xml)
    const { code, output, stderr } = evaluated(copies(name, change))
    expect(code).toBe(0)
    expect(output.pointing).toEqual(plain.output.pointing)
    expect(output.averagePrecision).toEqual(plain.output.averagePrecision)
    expect(output.annotations?.read).toBe(plain.output.annotations?.read)
    const bad = name === 'a box of no area' ? output.annotations?.read : 0
    expect(output.annotations?.badBoxes).toHaveLength(bad ?? -1)
    expect(stderr.match(/has a box that is left out: scissors: no area \(0, 0, 0, 0\)/g) ?? []).toHaveLength(bad ?? -1)
  })

  test('what is no annotation is named and costs its own scan the pointing, nothing else; exit code 2', () => {
    const { code, output, stderr } = evaluated(
      copies('broken', (xml, file) => (file === 'P00000.xml' ? xml.slice(0, 60) : file === 'P00001.xml' ? null : xml)),
    )
    expect(code).toBe(2)
    expect(stderr).toMatch(/^P00000 has no annotation that can be used: not a VOC annotation: broken XML/m)
    expect(output.annotations).toMatchObject({
      refused: [{ name: 'P00000' }],
      missing: (plain.output.annotations?.missing ?? 0) + 1,
    })
    expect(output.averagePrecision).toEqual(plain.output.averagePrecision)
    const hits = ({ pointing }: Output): number => (pointing?.['mean']?.positives ?? 0) + (pointing?.['mean']?.negatives ?? 0)
    expect(hits(output)).toBe(hits(plain.output) - 2)
  })

  test('two scans of one name are refused by name, unless the list says which; a label at odds with a box is told', async () => {
    const twice = join(images, 'P00002.png')
    writeFileSync(twice, await jpeg(bagScan()))
    try {
      const run = lanescope(...where, '--json')
      expect(run.code).toBe(2)
      expect(run.stderr).toContain('P00002 could not be scored: 2 files have that name: P00002.jpg, P00002.png')
      const list = readFileSync(labels, 'utf8').replace('P00002,', '"JPEGImage\\P00002.jpg",').replace('P00000,1,', 'P00000,-1,')
      const said = join(folder, 'said.csv')
      writeFileSync(said, list)
      const exact = lanescope('--images', images, '--labels', said, '--annotations', annotations, '--json')
      expect(exact.code).toBe(0)
      expect(exact.stderr).toBe('P00000 is labelled in two ways: a box of gun, which the list says is absent\n')
    } finally {
      rmSync(twice)
    }
  })

  test('a scan turned by its EXIF tag: boxes on the stored picture are turned with it', async () => {
    const [turned, notes] = [join(folder, 'turned'), join(folder, 'turned-notes')]
    for (const made of [turned, notes]) mkdirSync(made)
    const upright = readFileSync(join(images, 'P00000.jpg'))
    // stored lying on its side, shown upright: orientation 6 turns it clockwise
    writeFileSync(
      join(turned, 'P00000.jpg'),
      await sharp(upright).rotate(270).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer(),
    )
    const [x, y] = [120, 90]
    const stored = objectOf('gun', y, 400 - x - 34, y + 34, 400 - x)
    const note = (size: string): void =>
      writeFileSync(join(notes, 'P00000.xml'), `<annotation><size>${size}</size>${stored}</annotation>`)
    const list = join(folder, 'turned.csv')
    writeFileSync(list, 'name,Gun,Knife,Wrench,Pliers,Scissors\nP00000,1,-1,-1,-1,-1\n')
    const run = (): { code: number | null; output: Output } => {
      const { code, stdout } = lanescope('--images', turned, '--labels', list, '--annotations', notes, '--json')
      return { code, output: JSON.parse(stdout) as Output }
    }
    note('<width>300</width><height>400</height>')
    expect(run()).toMatchObject({ code: 0, output: { pointing: { gun: { positives: 1, negatives: 0 } } } })
    note('<width>0</width><height>0</height>')
    expect(run()).toMatchObject({ code: 2, output: { pointing: null, annotations: { refused: [{ name: 'P00000' }] } } })
  })
})

test('calibrate takes the same list by the same code: absent is 0, unknown -1', () => {
  const [saved, data] = [join(folder, 'calibrate.csv'), join(folder, 'calibrate-data')]
  const list = join(folder, 'calibrate-list.csv')
  writeFileSync(list, 'name,Gun,Knife,Wrench,Pliers,Scissors\nP00000.jpg,1,0,-1,-1,-1\nP00001,-1,1,-1,-1,-1\n')
  const args = ['--images', images, '--labels', list, '--save-scores', saved, '--model', join(folder, 'model'), '--data', data]
  const run = spawnSync(process.execPath, [cli, 'calibrate', ...args], { encoding: 'utf8' })
  expect(existsSync(saved), run.stderr).toBe(true)
  const rows = readFileSync(saved, 'utf8').trim().split('\n')
  const columns = (rows[0] ?? '').split(',')
  const marks = rows.slice(1).map((row) => THREAT_CLASSES.map((name) => row.split(',')[columns.indexOf(name)]))
  expect(marks).toEqual([
    ['1', '-1', '0', '0', '0'],
    ['0', '1', '0', '0', '0'],
  ])
})

describe('the table', () => {
  test('a table without boxes shows dashes, not zeros', () => {
    const none = { value: NaN, low: NaN, high: NaN, positives: 0, negatives: 3, groups: 3 }
    const evaluation: Evaluation = {
      protocol: 'voc-all',
      replicates: 1,
      seed: 0,
      scans: 3,
      pointing: null,
      pointingOverScales: null,
      averagePrecision: { gun: none, mean: none },
    }
    expect(inTable(evaluation).split('\n')[1]).toMatch(/^gun +– /)
  })
})
