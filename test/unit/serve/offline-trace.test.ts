// Offline is enforced in native code too: the real processes under strace. (Python's: training/tests/test_offline.py.) No UDP, no name looked up, no address but loopback, no file outside.
import { chromium, type Page } from '@playwright/test'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browserArgs, findBrowser } from '../../../scripts/browser.ts'
import { ensureBuilt, out, root } from '../../electron/built'
import { bagScan, jpeg } from '../inference/scans'
import { writeTinyModel } from '../inference/tiny-model'
import { rows, startStation, until } from './station-process'
import { calls, leaving, straceWorks, TRACEABLE, traced, writing } from './trace'

/** How long the station is watched while it screens, ms. */
const A_MINUTE = 60_000
const PAUSE = 1500

let folder: string
beforeAll(async () => {
  await ensureBuilt()
  folder = await mkdtemp(join(tmpdir(), 'lanescope-trace-'))
  writeTinyModel(join(folder, 'models'))
  await mkdir(join(folder, 'in'))
  await mkdir(join(folder, 'scans'))
  for (let i = 0; i < 4; i++) await writeFile(join(folder, 'scans', `bag${i}.jpg`), await jpeg(bagScan(400 + i, 300)))
  await copyFile(join(root, 'resources/demo/bag-0009.jpg'), join(folder, 'scans', 'demo.jpg'))
  await writeFile(
    join(folder, 'list.csv'),
    `name,Gun,Knife,Wrench,Pliers,Scissors\n${['bag0', 'bag1', 'bag2', 'bag3', 'demo'].map((name) => `${name},1,-1,-1,-1,-1\n`).join('')}`,
  )
}, 240_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs a command to its end under strace, in a home of its own; its calls, and its exit code. */
async function trace(
  name: string,
  command: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; all: string[]; said: string }> {
  const file = join(folder, `${name}.strace`)
  const home = join(folder, `home-${name}`)
  await mkdir(home)
  const [strace = '', ...args] = [...traced(file), ...command]
  const child = spawn(strace, args, {
    env: { ...process.env, ...TRACEABLE, HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', (text: Buffer) => (said += text.toString()))
  child.stderr.on('data', (text: Buffer) => (said += text.toString()))
  const code = await new Promise<number | null>((resolve) => child.on('exit', resolve))
  expect(readdirSync(home), 'files in the home folder').toEqual([])
  return { code, all: calls(file), said }
}

describe.skipIf(!straceWorks)('what the processes really do, under strace (skipped where it is missing or forbidden)', () => {
  it('the trace would notice: a look-up, UDP, another host, files in the home folder and under /tmp', async () => {
    const beside = join(folder, 'beside')
    const script = `
      const fs = require('node:fs'), net = require('node:net'), dgram = require('node:dgram'), dns = require('node:dns')
      fs.mkdirSync(${JSON.stringify(beside)}); fs.writeFileSync(${JSON.stringify(join(beside, 'x'))}, '')
      fs.readFileSync('/etc/passwd')
      const far = net.connect(9, '192.0.2.1').on('error', () => {})
      setTimeout(() => far.destroy(), 100)
      const udp = dgram.createSocket('udp4')
      udp.send('x', 9, '127.0.0.1', () => udp.close())
      dns.lookup('nowhere.invalid', () => {})`
    const { code, all, said } = await trace('notice', [process.execPath, '-e', script])
    expect(code, said).toBe(0)
    const left = leaving(all)
    for (const sign of [/SOCK_DGRAM/, /192\.0\.2\.1/, /"\/etc\/hosts"|nscd|resolve/]) expect(left.join('\n')).toMatch(sign)
    expect(writing(all, []).filter((call) => call.includes(beside))).toHaveLength(2)
    expect(writing(all, [beside])).toEqual([])
  })

  it(
    'a minute of screening with a page open: nothing leaves, no file is written but in the data folder',
    { timeout: 180_000 },
    async () => {
      const browser = findBrowser()
      if (browser === null) throw new Error('There is no Chromium: set LANESCOPE_CHROMIUM.')
      const file = join(folder, 'station.strace')
      const data = join(folder, 'data')
      const home = join(folder, 'home-station')
      await mkdir(home)
      const args = ['--feed', join(folder, 'in'), '--data', data, '--models', join(folder, 'models'), '--headless']
      const station = startStation(args, { before: [...traced(file), process.execPath], env: { ...TRACEABLE, HOME: home } })
      const chrome = await chromium.launch({ executablePath: browser, args: browserArgs() })
      let arrived = 0
      try {
        const page = await chrome.newPage()
        await page.goto(await station.url)
        for (const end = Date.now() + A_MINUTE; Date.now() < end; await new Promise((done) => setTimeout(done, PAUSE))) {
          arrived += 1
          await writeFile(join(folder, 'in', `bag${arrived}.jpg`), await jpeg(bagScan(400 + arrived, 300)))
          if (arrived % 5 === 0) await lookAround(page)
        }
        await until(() => expect(rows(data).filter(({ verdict }) => verdict !== null)).toHaveLength(arrived))
      } finally {
        await chrome.close()
        // not strace, which would let go of it: the station itself, so that its closing is watched too
        process.kill(Number(readFileSync(`/proc/${station.pid}/task/${station.pid}/children`, 'utf8').split(' ')[0]), 'SIGTERM')
        await station.ended
      }
      const all = calls(file)
      expect(rows(data).filter(({ verdict }) => verdict === 'unscreenable')).toEqual([])
      // it was watched, the inference process too
      expect(all.some((call) => call.includes('lanescope.sqlite'))).toBe(true)
      expect(all.some((call) => call.includes('libonnxruntime'))).toBe(true)
      expect(leaving(all)).toEqual([])
      expect(writing(all, [data])).toEqual([])
      expect(readdirSync(home)).toEqual([])
    },
  )

  it('`lanescope scan` and `evaluate` write and ask nothing', { timeout: 120_000 }, async () => {
    const models = { LANESCOPE_MODELS: join(folder, 'models') }
    const scan = await trace('scan', [process.execPath, out('main/cli.js'), 'scan', join(folder, 'scans'), '--json'], models)
    const evaluate = await trace(
      'evaluate',
      [process.execPath, out('main/cli.js'), 'evaluate', '--images', join(folder, 'scans'), '--labels', join(folder, 'list.csv')],
      models,
    )
    for (const { code, all, said } of [scan, evaluate]) {
      expect(code, said).toBe(0)
      expect(all.some((call) => call.includes('libonnxruntime'))).toBe(true)
      expect(leaving(all)).toEqual([])
    }
    // `scan` reads the policy from the station's database in its default folder: none is there, none is made
    expect(writing([...scan.all, ...evaluate.all], [])).toEqual([])
  })
})

/** Every screen once: thumbnails, heatmaps, pictures and the log are asked for. */
async function lookAround(page: Page): Promise<void> {
  for (const key of ['h', 'l', 'a', 'o']) await page.keyboard.press(key)
}
