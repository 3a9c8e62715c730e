// The built served station as a process: killed in mid-batch it loses and doubles nothing; ended it closes; misused it says so.
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ensureBuilt, root } from '../../electron/built'
import { bagScan, jpeg } from '../inference/scans'
import { writeTinyModel } from '../inference/tiny-model'
import { rows, startStation, until, type StationProcess } from './station-process'

let folder: string
let stations: StationProcess[] = []
const data = (): string => join(folder, 'data')
const start = (...more: string[]): StationProcess => {
  const station = startStation([
    '--feed',
    `north=${join(folder, 'in')}`,
    '--data',
    data(),
    '--models',
    join(folder, 'models'),
    '--headless',
    ...more,
  ])
  stations.push(station)
  return station
}

beforeAll(() => ensureBuilt(), 240_000)
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lanescope-station-'))
  await mkdir(join(folder, 'in'))
  writeTinyModel(join(folder, 'models'))
})
afterEach(async () => {
  for (const { child, ended } of stations.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
  stations = []
  await rm(folder, { recursive: true, force: true })
})
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Pids of a process's children, from /proc: `ps` is not everywhere. */
const childrenOf = (pid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        // pid (name) state ppid …; the name may hold anything
        return readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1] === String(pid)
      } catch {
        return false
      }
    })
    .map(Number)

describe('kill -9 in mid-batch', () => {
  it(
    'every scan ends with exactly one row and one verdict, however often the station is killed',
    { timeout: 240_000 },
    async () => {
      const names = await Promise.all(
        Array.from({ length: 60 }, async (_, i) => {
          const name = `bag${i}.jpg`
          await writeFile(join(folder, 'in', name), await jpeg(bagScan(600 + i, 450)))
          return name
        }),
      )
      await writeFile(join(folder, 'in', 'broken.jpg'), 'not a picture')
      for (const enough of [5, 20, 35]) {
        const station = start()
        await until(() => expect(rows(data()).filter(({ verdict }) => verdict !== null).length).toBeGreaterThanOrEqual(enough))
        station.child.kill('SIGKILL')
        expect(await station.ended).toBe('SIGKILL')
        // The kill must have come in mid-batch, or this test shows nothing.
        expect(rows(data()).filter(({ verdict }) => verdict !== null).length).toBeLessThan(names.length)
      }
      const last = start()
      await until(() => expect(rows(data()).filter(({ verdict }) => verdict !== null)).toHaveLength(names.length + 1))
      last.child.kill('SIGTERM')
      expect(await last.ended).toBe(0)
      const all = rows(data())
      expect(all.map(({ path }) => basename(path)).sort()).toEqual([...names, 'broken.jpg'].sort())
      expect(all.filter(({ verdict }) => verdict === null)).toEqual([])
      expect(all.filter(({ verdict }) => verdict === 'unscreenable').map(({ path }) => basename(path))).toEqual(['broken.jpg'])
    },
  )
})

describe('the end', () => {
  it('a signal closes the port, the inference process and the database, and exits with 0', async () => {
    await writeFile(join(folder, 'in', 'a.jpg'), await jpeg(bagScan()))
    const station = start()
    const url = await station.url
    await until(() => expect(rows(data())[0]?.verdict).toBeTruthy())
    const children = childrenOf(station.pid)
    // as many inference processes as cores
    expect(children.length).toBeGreaterThanOrEqual(1)
    // The terminal and npm may both pass Ctrl+C on: twice at once still ends in order.
    station.child.kill('SIGINT')
    station.child.kill('SIGINT')
    expect(await station.ended).toBe(0)
    await until(() => expect(children.filter(alive)).toEqual([]))
    await expect(fetch(url)).rejects.toThrow()
    expect(station.stderr()).not.toContain('while closing')
  })
})

describe('npm start', () => {
  const npmStart = (...args: string[]): StationProcess => {
    const station = startStation(args, { entry: join(root, 'scripts/start.ts') })
    stations.push(station)
    return station
  }

  it('with nothing named plays the bundled demo within seconds, and says in one line where it opens and why', async () => {
    const station = npmStart('--headless', '--data', data(), '--models', join(folder, 'models'))
    expect(await station.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/)
    expect(station.stderr()).toContain('lanescope: serving over loopback for a browser: --headless was given.\n')
    await until(() => expect(rows(data()).filter(({ verdict }) => verdict !== null).length).toBeGreaterThanOrEqual(2))
    expect(rows(data())[0]?.path).toMatch(/^replay:.*\/resources\/demo\//)
    expect(rows(data()).filter(({ verdict }) => verdict === 'unscreenable')).toEqual([])
    station.child.kill('SIGTERM')
    expect(await station.ended).toBe(0)
  })

  it('passes wrong use on: exit 64', async () => {
    const station = npmStart('--browser', '--rate', '300')
    expect(await station.ended).toBe(64)
    expect(station.stderr()).toContain('error: --rate belongs to --replay.')
  })
})

describe('misuse', () => {
  it('exits with 64 for bad arguments, 0 for help', async () => {
    const wrong = startStation(['--feed', join(folder, 'in'), '--port', 'x'])
    expect(await wrong.ended).toBe(64)
    expect(wrong.stderr()).toMatch(/^error: .*A port is a whole number/)
    const help = startStation(['--help'])
    expect(await help.ended).toBe(0)
    expect(help.stdout()).toContain('--replay <DIR>')
  })

  it('says that a port is taken, and leaves nothing behind', async () => {
    const other = createServer()
    const port = await new Promise<number>((resolve) =>
      other.listen(0, '127.0.0.1', () => {
        const address = other.address()
        resolve(typeof address === 'object' && address ? address.port : 0)
      }),
    )
    const station = start('--port', String(port))
    expect(await station.ended).toBe(1)
    expect(station.stderr()).toContain(`error: Port ${port} is taken by another program.`)
    other.close()
  })

  it('refuses a data folder that another station holds', async () => {
    const first = start()
    await first.url
    const second = start()
    expect(await second.ended).toBe(1)
    expect(second.stderr()).toMatch(/error: /)
    expect(first.child.exitCode).toBeNull()
  })

  it('says that there is no model', async () => {
    await mkdir(join(folder, 'none'))
    const station = startStation(['--data', data(), '--models', join(folder, 'none'), '--headless'])
    expect(await station.ended).toBe(1)
    expect(station.stderr()).toContain('error: There is no model in')
  })
})
