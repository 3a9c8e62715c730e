// What names say, and how they are shown.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byNaturalName, isLeftAlone, nameKind, printable, textOfName, textOfValidName } from '../../../src/domain/scan/names'

describe('nameKind', () => {
  it.each([
    ['a.jpg', 'scan'],
    ['A.JPEG', 'scan'],
    ['a.b.Tiff', 'scan'],
    ['z.webp', 'scan'],
    ['a.jpg;1', 'scan'],
    ['a.jpg.1', 'scan'],
    ['a.jpg ', 'scan'],
    ['a.jpg.', 'scan'],
    ['a.jpg (2)', 'scan'],
    ['a.jpg;1 ', 'scan'],
    ['.a.jpg', 'unfinished'],
    ['a.jpg.part', 'unfinished'],
    ['a.jpg.part.1', 'unfinished'],
    ['a.TMP', 'unfinished'],
    ['~a.jpg', 'unfinished'],
    ['a.jpg~', 'unfinished'],
    ['Thumbs.db', 'storage'],
    ['._a.jpg', 'storage'],
    ['a.jpg@SynoEAStream', 'storage'],
    ['a.txt', 'other'],
    ['IM000001', 'other'],
    ['jpg', 'other'],
    ['a.jpg.xml', 'other'],
    ['', 'other'],
  ])('%j is %s', (name, kind) => expect(nameKind(name)).toBe(kind))
})

describe('isLeftAlone', () => {
  it.each(['@eaDir', '@EADIR', '#recycle', '.snapshot', '$Recycle.Bin', 'lost+found', '.Trash-0', '@GMT-2026.11.28-10.00.00'])(
    '%s is',
    (name) => expect(isLeftAlone(name)).toBe(true),
  )
  it.each(['lane 1', 'recycle', '@lane', '#3', 'lost and found', '2026-11-28'])('%s is not', (name) =>
    expect(isLeftAlone(name)).toBe(false),
  )
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

describe('textOfName', () => {
  it('never gives two names one text', () => {
    const pieces = [
      [0xe4],
      [0xc3, 0xa4],
      [0xc3],
      [...Buffer.from('\\xE4')],
      [...Buffer.from('\\x5C')],
      [0x5c],
      [0x78],
      [0x41],
      [0xed, 0xa0, 0x80],
    ]
    const name = fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => Uint8Array.from(parts.flat()))
    const texts = new Map<string, string>()
    fc.assert(
      fc.property(name, (bytes) => {
        const text = textOfName(bytes)
        const hex = Buffer.from(bytes).toString('hex')
        expect(texts.get(text) ?? hex).toBe(hex)
        texts.set(text, hex)
        expect(text.isWellFormed()).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
  it('leaves a valid name as it is, and agrees with the rule for texts', () => {
    expect(textOfName(Buffer.from('Gepäck 🧳 \\ "1".jpg'))).toBe('Gepäck 🧳 \\ "1".jpg')
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(textOfName(Buffer.from(text))).toBe(textOfValidName(text))
      }),
    )
  })
  it('shows bytes that are no text by their values', () =>
    expect(textOfName(Buffer.from([0x47, 0xe4, 0xff]))).toBe('G\\xE4\\xFF'))
})

describe('printable', () => {
  it.each([
    ['a\nclear  b.jpg', 'a\\u000Aclear  b.jpg'],
    ['\u001b[2Kclear', '\\u001B[2Kclear'],
    ['\u009b31m', '\\u009B31m'],
    ['gpj.\u202ereal', 'gpj.\\u202Ereal'],
    ['a\u2066b\u2069', 'a\\u2066b\\u2069'],
    ['\u200f\u061c\u2028', '\\u200F\\u061C\\u2028'],
    ['\ud800x', '\\uD800x'],
    ['tag\u{e0041}', 'tag\\uDB40\\uDC41'],
  ])('%j', (text, shown) => expect(printable(text)).toBe(shown))
  it('leaves other text alone: umlauts, Arabic, Chinese, emoji', () => {
    for (const text of ['Gepäck 7.jpg', 'حقيبة', '行李 (2)', '🧳']) expect(printable(text)).toBe(text)
  })
  it('means the same inside JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(printable(JSON.stringify({ text })))).toEqual({ text })
      }),
    )
  })
})
