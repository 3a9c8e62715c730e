// Lists and annotations as programs really write them: read right or refused, alike in both languages (training/tests/test_labels.py).
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { fileOf, listAnnotations, listImages, readAnnotation } from '../../../src/main/cli/labels/folder'
import { readLabels } from '../../../src/main/cli/labels/list'
import { place } from '../../../src/main/cli/labels/place'
import { LabelError } from '../../../src/main/cli/labels/text'
import { parseAnnotation } from '../../../src/main/cli/labels/voc'

const fixtures = resolve(import.meta.dirname, '../../fixtures/labels')
interface Expected {
  annotations: Record<
    string,
    'refused' | { boxes: Record<string, number[][]>; size: [number, number] | null; others: Record<string, number>; bad: number }
  >
  lists: Record<string, 'refused' | Record<string, number[]>>
  placed: {
    why: string
    box: [number, number, number, number]
    size: [number, number] | null
    shown: [number, number]
    orientation: number
    placed: 'refused' | number[] | null
  }[]
}
const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as Expected
const names = (folder: string): string[] => readdirSync(join(fixtures, folder)).map((file) => file.replace(/\.\w+$/, ''))
const numbers = (box: { xmin: number; ymin: number; xmax: number; ymax: number }): number[] => [
  box.xmin,
  box.ymin,
  box.xmax,
  box.ymax,
]

test('every case is there', () => {
  expect(names('annotations').sort()).toEqual(Object.keys(expected.annotations).sort())
  expect(names('lists').sort()).toEqual(Object.keys(expected.lists).sort())
})

test.each(Object.entries(expected.annotations))('annotation: %s', (name, outcome) => {
  const read = (): ReturnType<typeof parseAnnotation> =>
    parseAnnotation(readFileSync(join(fixtures, 'annotations', `${name}.xml`)))
  if (outcome === 'refused') {
    expect(read).toThrow(LabelError)
    return
  }
  const { size, boxes, others, bad } = read()
  const found = Object.entries(boxes).flatMap(([c, own]) => (own.length > 0 ? [[c, own.map(numbers)]] : []))
  expect(Object.fromEntries(found)).toEqual(outcome.boxes)
  expect(size && [size.width, size.height]).toEqual(outcome.size)
  const counted = Object.entries(outcome.others).flatMap(([other, count]) => Array<string>(count).fill(other))
  expect([others.sort(), bad.length]).toEqual([counted.sort(), outcome.bad])
})

test.each(Object.entries(expected.lists))('list: %s', (name, outcome) => {
  const read = (): ReturnType<typeof readLabels> => readLabels(join(fixtures, 'lists', `${name}.csv`))
  if (outcome === 'refused') {
    expect(read).toThrow(LabelError)
    expect(read).toThrow(`${name}.csv`)
    return
  }
  const rows = read()
  expect(Object.fromEntries(rows.map((row) => [row.name, row.labels]))).toEqual(outcome)
  expect(rows.map(({ group }) => group)).toEqual(rows.map((row) => row.name))
})

test.each(expected.placed)('a box on the scan as it is shown: $why', ({ box, size, shown, orientation, placed }) => {
  const [xmin, ymin, xmax, ymax] = box
  const annotation = {
    size: size && { width: size[0], height: size[1] },
    boxes: { gun: [{ xmin, ymin, xmax, ymax }], knife: [], wrench: [], pliers: [], scissors: [] },
    others: [],
    bad: [],
  }
  const found = place(annotation, { width: shown[0], height: shown[1] }, orientation)
  if (placed === 'refused') {
    expect(found).toHaveProperty('refused')
    return
  }
  if (!('boxes' in found)) throw new Error(found.refused)
  expect(found.bad).toHaveLength(placed === null ? 1 : 0)
  expect(found.boxes.gun).toHaveLength(placed === null ? 0 : 1)
  if (placed !== null)
    numbers(found.boxes.gun[0] ?? { xmin, ymin, xmax, ymax }).forEach((edge, i) => expect(edge).toBeCloseTo(placed[i] ?? NaN, 12))
})

describe('which file belongs to a name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lanescope-labels-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  for (const file of [
    'A.jpg',
    'B.PNG',
    'c.jpeg',
    'D.jpg',
    'D.png',
    'E',
    'Ge\u0301.jpg',
    '._A.jpg',
    'A.txt',
    'f.x.jpg',
    'F.X.jpg',
  ])
    writeFileSync(join(folder, file), '')
  const find = (name: string, file: string | null = null): string | null =>
    fileOf({ name, file, labels: [], group: name }, listImages(folder))

  test('by name without extension, in whatever letters; a named extension wins; two of one name are refused, with both', () => {
    expect(['A', 'B', 'C', 'E', 'G\u00e9', 'nothing'].map((name) => find(name))).toEqual([
      'A.jpg',
      'B.PNG',
      'c.jpeg',
      'E',
      'Ge\u0301.jpg',
      null,
    ])
    expect(() => find('D')).toThrow('2 files have that name: D.jpg, D.png')
    expect(find('D', 'D.png')).toBe('D.png')
    expect([find('f.x'), find('F.X')]).toEqual(['f.x.jpg', 'F.X.jpg'])
    expect(() => find('f.X')).toThrow(/2 files/)
    expect(listImages(folder).files).not.toContain('A.txt')
  })

  test('annotations: NAME.xml or NAME.jpg.xml, in whatever letters; two are refused; none is null', () => {
    const notes = join(folder, 'notes')
    mkdirSync(notes)
    const one = join(fixtures, 'annotations', 'plain.xml')
    for (const file of ['A.xml', 'b.XML', 'C.jpg.xml', 'D.xml', 'D.XML', 'broken.xml'])
      writeFileSync(join(notes, file), file === 'broken.xml' ? '<' : readFileSync(one))
    const read = (name: string): ReturnType<typeof readAnnotation> => readAnnotation(listAnnotations(notes), name)
    for (const name of ['A', 'B', 'C']) expect(read(name)?.boxes.gun).toHaveLength(1)
    expect(read('E')).toBeNull()
    expect(() => read('D')).toThrow(/2 files have that name/)
    expect(() => read('broken')).toThrow(LabelError)
    expect(basename(one)).toBe('plain.xml')
  })
})
