// The built Electron shell from start to end on the stand-in: real Chromium page, real inference process, real database.
import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { bagScan, png } from '../unit/inference/scans'
import { writeTinyModel } from '../unit/inference/tiny-model'
import { ensureBuilt, out } from './built'
import { isAlive, startProgram, type Program } from './program'
import type { Told } from './stand-in/desk'

const HERE = 'lanescope://app'
const until = <T>(check: () => Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 30_000, interval: 100 })

let folder: string
let program: Program
const args = (): string[] => [
  '--feed',
  `north=${join(folder, 'in')}`,
  '--data',
  join(folder, 'data'),
  '--models',
  join(folder, 'models'),
]
async function arrive(name: string, width: number): Promise<Buffer> {
  const bytes = await png(bagScan(width, 300))
  await writeFile(join(folder, 'in', `${name}.part`), bytes)
  await rename(join(folder, 'in', `${name}.part`), join(folder, 'in', name))
  return bytes
}
const verdictShown = (): Promise<string | null> =>
  program.evaluate<string | null>(`document.querySelector('[data-testid=banner]')?.getAttribute('data-verdict') ?? null`)

beforeAll(async () => {
  await ensureBuilt()
  folder = await mkdtemp(join(tmpdir(), 'lanescope-electron-'))
  await mkdir(join(folder, 'in'))
  writeTinyModel(join(folder, 'models'))
  program = startProgram(args())
  await until(async () => expect((await program.told()).windows[0]?.shown).toBe(true))
}, 240_000)
afterAll(async () => {
  program.kill()
  await program.ended
  await rm(folder, { recursive: true, force: true })
})

describe('the window', () => {
  let told: Told
  beforeAll(async () => void (told = await program.told()))

  it('is one, on the app’s own page, with every security option set', () => {
    expect(told.windows).toHaveLength(1)
    expect(told.windows[0]?.url).toBe(`${HERE}/`)
    expect(told.windows[0]?.options.webPreferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      preload: out('preload/index.cjs'),
    })
    expect(told.windows[0]?.options.webPreferences).not.toHaveProperty('enableBlinkFeatures')
    expect(told.windows[0]?.options.webPreferences).not.toHaveProperty('experimentalFeatures')
  })

  it('runs sandboxed, as the only instance, with nothing that fetches in the background', () => {
    expect(told.sandboxed).toBe(true)
    expect(told.lockAsked).toBe(true)
    expect(told.switches).toEqual(expect.arrayContaining(['disable-background-networking', 'disable-component-update']))
    expect(told.spellChecker).toBe(false)
    expect(told.awake).toBe(true)
    expect(told.menu).not.toContain('viewMenu')
  })

  it('has its own scheme, standard and secure, without leave to go round the content policy', () => {
    expect(told.handled).toEqual(['lanescope'])
    expect(told.schemes).toHaveLength(1)
    expect(told.schemes[0]).toMatchObject({
      scheme: 'lanescope',
      privileges: { standard: true, secure: true, supportFetchAPI: true },
    })
    expect(told.schemes[0]?.privileges).not.toHaveProperty('bypassCSP')
    expect(told.schemes[0]?.privileges).not.toHaveProperty('corsEnabled')
    expect(told.schemes[0]?.privileges).not.toHaveProperty('allowServiceWorkers')
  })

  it('gives the page one object with one function, and nothing of Node', async () => {
    expect(await program.evaluate('__exposed()')).toEqual({ connect: 'function' })
    expect(await program.evaluate('[typeof process, typeof require, typeof module, typeof Buffer]')).toEqual(
      Array(4).fill('undefined'),
    )
  })

  it('gets its content policy by header, and Chromium enforces it', async () => {
    const policy = await program.evaluate<string>(`fetch('/').then((r) => r.headers.get('content-security-policy'))`)
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(await program.evaluate(`fetch('https://example.com/').then(() => 'reached', () => 'blocked')`)).toBe('blocked')
    const ran = `(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.head.append(s); return window.ran ?? null })()`
    expect(await program.evaluate(ran)).toBeNull()
  })

  it('asked nobody outside for anything', async () => {
    expect((await program.told()).escaped).toEqual([])
  })
})

describe('what is denied', () => {
  it.each([
    'https://example.com/',
    'file:///etc/passwd',
    'lanescope://app.evil/',
    'lanescope://user@app/',
    'javascript:alert(1)',
    'data:text/html,x',
  ])('navigation to %s', async (url) => {
    expect(await program.ask({ do: 'navigate', event: 'will-navigate', url, isMainFrame: true })).toBe(true)
    expect(await program.ask({ do: 'navigate', event: 'will-redirect', url, isMainFrame: true })).toBe(true)
    expect(await program.ask({ do: 'navigate', event: 'will-frame-navigate', url, isMainFrame: false })).toBe(true)
    expect(await program.ask({ do: 'open-window', url })).toEqual({ action: 'deny' })
  })
  it('webviews, downloads, and windows of our own', async () => {
    expect(await program.ask({ do: 'attach-webview' })).toBe(true)
    expect(await program.ask({ do: 'download' })).toBe(true)
    expect(await program.ask({ do: 'open-window', url: `${HERE}/` })).toEqual({ action: 'deny' })
  })
  it.each(['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal', 'fullscreen', 'hid', 'usb'])(
    'the permission %s',
    async (name) => {
      expect(await program.ask({ do: 'permission', name })).toBe(false)
    },
  )
  it.each([
    'https://example.com/',
    'http://127.0.0.1:1/',
    'ws://127.0.0.1:1/',
    'file:///etc/passwd',
    'ftp://example.com/',
    'lanescope://elsewhere/',
  ])('the request %s', async (url) => expect(await program.ask({ do: 'request', url })).toBe('cancelled'))
  it('paths out of the app', async () => {
    for (const path of ['/../../package.json', '/%2e%2e/main/index.js', '/scan/99999', '/scan/1/../../x', '/etc/passwd'])
      expect(await program.ask({ do: 'request', url: HERE + path })).toBe(404)
  })
  it('a contract port to any frame but the app’s own main frame', async () => {
    expect(await program.ask({ do: 'connect-from', url: 'https://example.com/', isMainFrame: true })).toBe(0)
    expect(await program.ask({ do: 'connect-from', url: `${HERE}/`, isMainFrame: false })).toBe(0)
    expect(await program.ask({ do: 'connect-from', url: 'https://example.com/', isMainFrame: false })).toBe(0)
    expect(await program.ask({ do: 'connect-from', url: `${HERE}/`, isMainFrame: true })).toBe(1)
  })
})

describe('the lane', () => {
  it('shows a bag with its verdict: hot folder, inference process, contract port, screen', async () => {
    // the port that the test took above closed the page's; it finds its way back by itself
    await program.ask({ do: 'reload' })
    const bytes = await arrive('first bag.png', 400)
    expect(
      await until(async () => verdictShown().then((shown) => (expect(['clear', 'advisory', 'alarm']).toContain(shown), shown))),
    ).not.toBeNull()
    const scan = await program.evaluate<number[]>(
      `fetch('/scan/1').then((r) => r.arrayBuffer()).then((b) => [...new Uint8Array(b)])`,
    )
    expect(Buffer.from(scan).equals(bytes)).toBe(true)
    for (const [path, type] of [
      ['/heatmap/1', 'image/png'],
      ['/thumb/1', 'image/webp'],
    ] as const)
      expect(await program.evaluate(`fetch('${path}').then((r) => [r.status, r.headers.get('content-type')])`)).toEqual([
        200,
        type,
      ])
  })

  it('takes a file dropped on the window', async () => {
    const bytes = (await png(bagScan(500, 300))).toString('base64')
    const answer = await program.evaluate(
      `fetch('/drop', { method: 'POST', headers: { 'x-lanescope-name': 'dropped.png' }, body: Uint8Array.from(atob('${bytes}'), (c) => c.charCodeAt(0)) }).then((r) => r.json())`,
    )
    expect(answer).toEqual({ result: 'received', why: null })
    await until(async () => expect(await program.evaluate(`fetch('/thumb/2').then((r) => r.status)`)).toBe(200))
  })

  it('survives the death of its inference process: another one screens the next bag', async () => {
    const [first] = (await program.told()).utilities
    process.kill(first ?? -1, 'SIGKILL')
    await until(async () => expect((await program.told()).utilities.length).toBeGreaterThan(1))
    await arrive('after.png', 420)
    const db = new Database(join(folder, 'data/lanescope.sqlite'), { readonly: true })
    const rows = await until(() => {
      const found = db.prepare('SELECT verdict FROM bags ORDER BY id').all() as { verdict: string | null }[]
      expect(found).toHaveLength(3)
      expect(found.every(({ verdict }) => verdict !== null && verdict !== 'unscreenable')).toBe(true)
      return Promise.resolve(found)
    })
    db.close()
    expect(rows).toHaveLength(3)
    expect((await program.told()).serviceNames).toEqual(
      Array((await program.told()).utilities.length).fill('Lanescope inference'),
    )
  })

  it('comes back when its page’s process dies, and to the front when it is started a second time', async () => {
    await program.ask({ do: 'renderer-gone' })
    await until(async () => expect(await verdictShown()).not.toBeNull())
    await program.ask({ do: 'second-instance' })
    expect((await program.told()).windows[0]?.focused).toBe(1)
    expect((await program.told()).windows).toHaveLength(1)
  })

  it('left no error in the page’s console but the policy’s own', async () => {
    const { console: lines, escaped } = await program.told()
    expect(lines.filter((line) => !/Content Security Policy|example\.com/.test(line))).toEqual([])
    expect(escaped).toEqual([])
  })
})

describe('the end', () => {
  it('a second program on the same data says so in a box and ends', async () => {
    const second = startProgram(args())
    expect(await second.ended).toBe(1)
    expect(second.stderr()).toMatch(/\[box\] Lanescope cannot start: .*(in use|already|another)/i)
  })

  it('closing the window closes everything: the inference process, the database, the folder’s lock, the program', async () => {
    const { utilities } = await program.told()
    await program.ask({ do: 'close-window' })
    expect(await program.ended).toBe(0)
    expect(program.stderr()).not.toContain('while closing')
    await until(() => {
      expect(utilities.filter(isAlive)).toEqual([])
      return Promise.resolve()
    })
    // SQLite removes its write-ahead log when the last connection is closed in order.
    expect(existsSync(join(folder, 'data/lanescope.sqlite'))).toBe(true)
    expect(existsSync(join(folder, 'data/lanescope.sqlite-wal'))).toBe(false)
    const lock = new Database(join(folder, 'data/station.lock'), { timeout: 0 })
    expect(() => lock.exec('BEGIN EXCLUSIVE')).not.toThrow()
    lock.close()
  })

  it('starts again where it ended: the bags are still there', async () => {
    const again = startProgram(args())
    try {
      await until(async () => expect((await again.told()).windows[0]?.shown).toBe(true))
      await until(async () =>
        expect(
          await again.evaluate(`document.querySelector('[data-testid=banner]')?.getAttribute('data-verdict') ?? null`),
        ).not.toBeNull(),
      )
      await again.ask({ do: 'quit' })
      expect(await again.ended).toBe(0)
    } finally {
      again.kill()
    }
  })

  it('wrong use ends with 64 and no window', async () => {
    const wrong = startProgram(['--nonsense'])
    expect(await wrong.ended).toBe(64)
    expect(wrong.stderr()).toContain("error: unknown option '--nonsense'")
  })
})

it('the preload is CommonJS and asks for nothing but Electron: a sandboxed page can load no other', async () => {
  const preload = await readFile(out('preload/index.cjs'), 'utf8')
  expect([...preload.matchAll(/require\("([^"]+)"\)/g)].map(([, name]) => name)).toEqual(['electron'])
  expect(preload).not.toMatch(/^\s*(import|export) /m)
})
