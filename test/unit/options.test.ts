// What a station is started with: read right, or refused in words with exit code 64.
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { dataHome, parseStart, WrongUse } from '../../src/main/options'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lanescope-options-'))
  await mkdir(join(dir, 'in'))
  await mkdir(join(dir, 'a=b'))
  await writeFile(join(dir, 'file'), '')
})
afterAll(() => rm(dir, { recursive: true }))
const parse = (...args: string[]) => parseStart(args, 'lanescope')

describe('parseStart', () => {
  it('plays the demo, with data of its own, when nothing is named', () => {
    const options = parse()
    expect(options).toMatchObject({ feeds: [], replay: null, demo: true, port: 0, headless: false, polling: false, models: null })
    expect(options?.data).toBe(`${dataHome()}-demo`)
    expect(parse('--data', dir)?.data).toBe(dir)
  })

  it('names lanes by NAME=DIR or by the folder', () => {
    const options = parse(
      '--feed',
      `north=${dir}/in`,
      '--feed',
      `${dir}/a=b`,
      '--data',
      `${dir}/data`,
      '--port',
      '8080',
      '--headless',
      '--polling',
    )
    expect(options?.feeds).toEqual([
      { lane: 'north', directory: join(dir, 'in') },
      { lane: 'a=b', directory: join(dir, 'a=b') },
    ])
    expect(options).toMatchObject({ demo: false, port: 8080, headless: true, polling: true, data: join(dir, 'data') })
    expect(parse('--feed', join(dir, 'in'))?.data).toBe(dataHome())
  })

  it('waits for a feed that is not there yet: a share may be mounted later', () => {
    expect(parse('--feed', join(dir, 'later'))?.feeds).toEqual([{ lane: 'later', directory: join(dir, 'later') }])
  })

  it('replays at the given rate', () => {
    expect(parse('--replay', dir, '--rate', '450')?.replay).toEqual({ lane: 'replay', directory: dir, rate: 450 })
    expect(parse('--replay', dir)?.replay?.rate).toBe(300)
  })

  it.each([
    [['--nonsense'], /unknown option/],
    [['somewhere'], /named with --feed or --replay/],
    [['--feed'], /argument missing/],
    [['--port', '99999'], /0 \(any free one\) to 65535/],
    [['--port', '8O80'], /whole number/],
    [['--rate', '300'], /belongs to --replay/],
    [['--replay', '/', '--rate', '0'], /above 0/],
    [['--replay', '/', '--rate', ''], /above 0/],
    [['--replay', '/no/such/folder'], /no such folder/],
    [['--models', '/no/such/model'], /no such file or folder/],
  ])('refuses %j', (args, why) => {
    expect(() => parse(...args)).toThrow(WrongUse)
    expect(() => parse(...args)).toThrow(why)
  })

  it('refuses feeds that would screen a scan twice, or the archive as new bags', () => {
    expect(() => parse('--feed', `n=${dir}/in`, '--feed', `n=${dir}/a=b`)).toThrow(/Two feeds are named "n"/)
    expect(() => parse('--feed', `n=${dir}/in`, '--feed', `s=${dir}/in`)).toThrow(/named as a feed twice/)
    expect(() => parse('--feed', dir, '--feed', join(dir, 'in'))).toThrow(/lies inside the feed/)
    expect(() => parse('--feed', dir, '--data', join(dir, 'data'))).toThrow(/data folder .* lies inside the feed/)
    expect(() => parse('--feed', dir, '--data', dir)).toThrow(/lies inside the feed/)
    expect(() => parse('--feed', join(dir, 'file'))).toThrow(/not a folder/)
    expect(() => parse('--feed', `dropped=${dir}`)).toThrow(/taken by files dropped/)
  })

  it('prints its help', () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    expect(parse('--help')).toBeNull()
    expect(write.mock.calls.join('')).toContain('--feed <[NAME=]DIR>')
    write.mockRestore()
  })
})

it('keeps data where each system keeps it', () => {
  expect(dataHome({ XDG_DATA_HOME: '/srv/data' }, 'linux')).toBe('/srv/data/lanescope')
  expect(dataHome({ XDG_DATA_HOME: 'relative' }, 'linux')).toMatch(/\/\.local\/share\/lanescope$/)
  expect(dataHome({}, 'darwin')).toMatch(/Application Support\/Lanescope$/)
})
