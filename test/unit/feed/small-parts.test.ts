// Names, whole files, and dropped files.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Dropped } from '../../../src/main/feed/dropped'
import { byNaturalName, kindOf } from '../../../src/main/feed/names'
import { looksWhole } from '../../../src/main/feed/whole'
import { jpeg, recorder } from './helpers'

describe('kindOf', () => {
  it.each([
    ['a.jpg', 'scan'],
    ['A.JPEG', 'scan'],
    ['a.b.Tiff', 'scan'],
    ['/x/y/z.webp', 'scan'],
    ['z.bmp', 'scan'],
    ['.a.jpg', 'partial'],
    ['a.jpg.part', 'partial'],
    ['a.TMP', 'partial'],
    ['~a.jpg', 'partial'],
    ['a.jpg~', 'partial'],
    ['a.txt', 'other'],
    ['jpg', 'other'],
    ['a.jpg.xml', 'other'],
  ])('%s is %s', (name, kind) => expect(kindOf(name)).toBe(kind))
})

describe('byNaturalName', () => {
  it('is a total order: no two different names tie', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(Math.sign(byNaturalName(a, b)) + Math.sign(byNaturalName(b, a))).toBe(0)
        expect(byNaturalName(a, b) === 0).toBe(a === b)
      }),
    )
  })
})

describe('looksWhole', () => {
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(40), Buffer.from('IEND\xaeB`\x82', 'latin1')])
  const webp = Buffer.concat([Buffer.from('RIFF'), Buffer.of(20, 0, 0, 0), Buffer.from('WEBP'), Buffer.alloc(16)])
  const bmp = Buffer.concat([Buffer.from('BM'), Buffer.of(60, 0, 0, 0), Buffer.alloc(54)])
  const tiff = Buffer.concat([Buffer.from('II*\0', 'latin1'), Buffer.of(30, 0, 0, 0), Buffer.alloc(40)])
  it.each([
    ['JPEG', jpeg('x')],
    ['PNG', png],
    ['WebP', webp],
    ['BMP', bmp],
  ])('%s: the whole file is, no shorter one is', (_name, bytes) => {
    expect(looksWhole(bytes)).toBe(true)
    for (let length = 0; length < bytes.length - 8; length++) expect(looksWhole(bytes.subarray(0, length))).toBe(false)
  })
  it('TIFF: not before its first directory', () => {
    expect(looksWhole(tiff)).toBe(true)
    expect(looksWhole(tiff.subarray(0, 30))).toBe(false)
  })
  it('does not judge what it does not know', () => expect(looksWhole(Buffer.from('a text, renamed to .jpg'))).toBe(true))
})

describe('Dropped', () => {
  it('hands files over one at a time, by their last name, and counts them', async () => {
    const { submit, scans } = recorder()
    const dropped = new Dropped()
    await dropped.start(submit)
    const answers = await Promise.all(
      ['bag.jpg', 'C:\\scans\\two.png', '../../etc/passwd', '..', 'a\u0000b\n.jpg'].map((name) =>
        dropped.drop(name, { bytes: jpeg(name) }),
      ),
    )
    expect(answers.every(({ result }) => result === 'received')).toBe(true)
    expect(scans.map(({ path }) => path)).toEqual(
      ['bag.jpg', 'two.png', 'passwd', 'unnamed', 'ab.jpg'].map((name) => `dropped:/${name}`),
    )
    expect(dropped.status()).toMatchObject({ kind: 'dropped', state: 'live', seen: 5 })
  })

  it('answers refused, with the reason, when the station cannot take a file or is closing', async () => {
    const dropped = new Dropped()
    expect(await dropped.drop('a.jpg', { bytes: jpeg('a') })).toEqual({ result: 'refused', why: 'The station is closing.' })
    await dropped.start(() => Promise.reject(new Error('The disk is full.')))
    expect(await dropped.drop('a.jpg', { bytes: jpeg('a') })).toEqual({ result: 'refused', why: 'The disk is full.' })
    expect(dropped.status().seen).toBe(0)
  })
})
