// Offline is enforced, not assumed: a served station screens and shows bags, and nothing leaves loopback.
import { chromium } from '@playwright/test'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browserArgs, findBrowser } from '../../../scripts/browser.ts'
import { ensureBuilt, out } from '../../electron/built'
import { bagScan, jpeg } from '../inference/scans'
import { writeTinyModel } from '../inference/tiny-model'
import { rows, startStation, until } from './station-process'

let folder: string
beforeAll(async () => {
  await ensureBuilt()
  folder = await mkdtemp(join(tmpdir(), 'lanescope-offline-'))
  writeTinyModel(join(folder, 'models'))
  await mkdir(join(folder, 'in'))
  for (let i = 0; i < 4; i++) await writeFile(join(folder, 'in', `bag${i}.jpg`), await jpeg(bagScan(400 + i, 300)))
}, 240_000)
afterAll(() => rm(folder, { recursive: true, force: true }))
const args = (name: string): string[] => [
  '--feed',
  join(folder, 'in'),
  '--data',
  join(folder, name),
  '--models',
  join(folder, 'models'),
  '--headless',
]
const allScreened = (name: string): Promise<void> =>
  until(() => {
    const verdicts = rows(join(folder, name)).map(({ verdict }) => verdict)
    expect(verdicts).toHaveLength(4)
    expect(verdicts.every((verdict) => verdict !== null && verdict !== 'unscreenable')).toBe(true)
  })

describe('while it screens and a browser shows it', () => {
  it('station and inference process look up and connect to nothing, and the page asks only the station', async () => {
    const browser = findBrowser()
    if (browser === null) throw new Error('There is no Chromium: set LANESCOPE_CHROMIUM.')
    const record = join(folder, 'network.txt')
    const hook = `--import=${pathToFileURL(join(import.meta.dirname, 'record-network.ts')).href} --disable-warning=ExperimentalWarning`
    // NODE_OPTIONS reaches the inference process as well
    const station = startStation(args('watched'), { env: { RECORD_NETWORK: record, NODE_OPTIONS: hook } })
    const chrome = await chromium.launch({ executablePath: browser, args: browserArgs() })
    try {
      const url = await station.url
      const page = await chrome.newPage()
      const asked: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      page.on('websocket', (socket) => asked.push(socket.url()))
      await page.goto(url)
      await allScreened('watched')
      await page.getByTestId('belt-bag').nth(3).waitFor()
      const { host } = new URL(url)
      expect(asked.length).toBeGreaterThan(4)
      expect(
        asked.filter((address) =>
          !/^(https?|wss?):$/.test(new URL(address).protocol) ? !/^(blob|data):/.test(address) : new URL(address).host !== host,
        ),
      ).toEqual([])
    } finally {
      await chrome.close()
      station.child.kill('SIGTERM')
      await station.ended
    }
    const lines = (await readFile(record, 'utf8')).trim().split('\n')
    // both processes were watched …
    expect(lines.filter((line) => line.startsWith('recording ')).length).toBeGreaterThanOrEqual(2)
    // … and neither went anywhere; Node "looks up" the address that it listens on
    expect(lines.filter((line) => !line.startsWith('recording ') && line !== 'lookup "127.0.0.1"')).toEqual([])
  })

  // needs root, and iproute2
  const isolated = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up']).status === 0
  it.skipIf(!isolated)('does the whole job in a network namespace that holds loopback alone', async () => {
    // Native code cannot hide here: there is no other way out, and what is open at the end is on loopback.
    const station = startStation(args('isolated'), {
      before: ['unshare', '-n', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"', process.execPath],
    })
    try {
      await station.url
      await allScreened('isolated')
      const sockets = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((kind) =>
        readFileSync(`/proc/${station.pid}/net/${kind}`, 'utf8').trim().split('\n').slice(1),
      )
      expect(sockets.length).toBeGreaterThan(0)
      // local address 127.0.0.1 in the kernel's byte order; nothing at all on IPv6 or UDP
      expect(
        sockets.map((line) => line.trim().split(/\s+/)[1]?.split(':')[0]).filter((address) => address !== '0100007F'),
      ).toEqual([])
    } finally {
      station.child.kill('SIGTERM')
      expect(await station.ended).toBe(0)
    }
  })
})

describe('the bundles', () => {
  /** Addresses that stand in the bundles and are never fetched, each with its reason. */
  const KNOWN: [RegExp, string][] = [
    [/^https?:\/\/www\.w3\.org\//, 'names of XML namespaces'],
    [/^https:\/\/svelte\.dev\//, 'where Svelte explains an error, in its message'],
    [/^https?:\/\/(orpc|localhost|127\.0\.0\.1|\$\{)/, 'oRPC’s placeholder origin, and loopback'],
    [/^https?:\/\/json-schema\.org\//, 'zod names the JSON Schema dialect'],
    [/^https:\/\/(zod\.dev|orpc\.dev|github\.com)\//, 'links in messages and comments of libraries'],
    [/^https:\/\/developer\.mozilla\.org\//, 'links in Svelte’s comments'],
    [
      /^https:\/\/(en\.wikipedia\.org|floating-ui\.com|moment\.github\.io|runed\.dev)\//,
      'links in comments of bits-ui and what it uses',
    ],
    [/^http:\/\/\[(\.\.\.|\$\{value\})\]$|^https:\/\/exa$/, 'how zod tries out whether a text is an address'],
  ]
  const files = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(c?js|css|html)$/.test(name))
      .map((name) => join(folder, name))

  it.each(['main', 'preload', 'renderer'])('%s names no address to fetch', (part) => {
    const found = files(out(part)).flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\b(?:https?|wss?|ftp):\/\/[^\s'"`)\\]+/g)].map(([address]) => address),
    )
    expect(found.filter((address) => !KNOWN.some(([known]) => known.test(address)))).toEqual([])
  })

  it('the page loads its own files only', () => {
    const page = readFileSync(out('renderer/index.html'), 'utf8')
    const loaded = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address)
    expect(loaded.length).toBeGreaterThan(1)
    expect(loaded.filter((address) => !/^(\.\/|data:)/.test(address ?? ''))).toEqual([])
    const styles = files(out('renderer'))
      .filter((file) => file.endsWith('.css'))
      .map((file) => readFileSync(file, 'utf8'))
    expect(styles.flatMap((css) => css.match(/@import|url\((?!["']?(?:data:|#|\.?\/))[^)]*\)/g) ?? [])).toEqual([])
  })
})
