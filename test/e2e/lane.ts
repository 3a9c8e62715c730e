// A lane for a test: the built program on data and a hot folder of its own, in Chromium over loopback or in Electron; every process tracked.
import { test as base, _electron, expect, type BrowserContext, type ElectronApplication, type Page } from '@playwright/test'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { drawBag, modelOfMood, type Mood } from './scans'

export interface ShellOption {
  shell: 'served' | 'electron'
}
const ROOT = resolve(import.meta.dirname, '../..')
const NODE = join(ROOT, 'node_modules/.bin/node')
const ELECTRON = join(ROOT, 'node_modules/electron/dist', process.platform === 'win32' ? 'electron.exe' : 'electron')

/** One running program and the page that shows it. */
interface Running {
  page: Page
  pid: number
  /** asks the program to end, and waits until it has */
  stop(): Promise<void>
  /** kill -9 */
  kill(): Promise<void>
}

export class Lane {
  readonly folder = mkdtempSync(join(tmpdir(), 'lanescope-e2e-'))
  readonly hot = join(this.folder, 'hot folder')
  readonly #data = join(this.folder, 'data')
  readonly #shell: ShellOption['shell']
  readonly #context: BrowserContext
  #running: Running | null = null
  /** every program that this lane ever started: none may outlive the test, whatever went wrong */
  readonly #started: { child: ChildProcess; ended: Promise<void> }[] = []
  #bags = 0
  /** what a page must never do: talk to another host, break the content security policy, throw */
  readonly offences: string[] = []

  constructor(shell: ShellOption['shell'], context: BrowserContext) {
    this.#shell = shell
    this.#context = context
    mkdirSync(this.hot)
  }

  get page(): Page {
    if (this.#running === null) throw new Error('the lane is not running')
    return this.#running.page
  }

  /** Starts the program; with a name, the person at the screen is known. Mood null: the named or bundled model under its own policy. */
  async start(mood: Mood | null, person: string | null = 'E. Tester', model: string | null = null): Promise<Page> {
    const named = mood === null ? model : modelOfMood(mood, join(this.folder, `model-${mood}`))
    const models = named === null ? [] : ['--models', named]
    const args = ['--feed', `North=${this.hot}`, '--data', this.#data, ...models]
    this.#running = this.#shell === 'served' ? await this.#serve([...args, '--headless']) : await this.#electron(args)
    const { page } = this.#running
    await expect(page.locator('html')).toHaveAttribute('data-ready', 'true')
    const name = page.getByLabel('Name')
    if (person !== null && (await name.isVisible())) {
      await name.fill(person)
      await name.press('Enter')
    }
    return page
  }

  async #serve(args: string[]): Promise<Running> {
    const child = spawn(NODE, [join(ROOT, 'out/main/serve.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = endOf(child)
    this.#started.push({ child, ended })
    const url = await new Promise<string>((resolveUrl, reject) => {
      let said = ''
      child.stderr.on('data', (data: Buffer) => (said += data.toString()))
      child.stdout.on('data', (data: Buffer) => {
        const found = /http:\/\/\S+/.exec(data.toString())
        if (found !== null) resolveUrl(found[0])
      })
      void ended.then(() => reject(new Error(`the station ended before it was open:\n${said}`)))
    })
    const page = await this.#context.newPage()
    this.#watch(page, new URL(url).origin)
    await page.goto(url)
    return { page, pid: child.pid ?? 0, stop: () => end(child, ended, 'SIGTERM'), kill: () => end(child, ended, 'SIGKILL') }
  }

  async #electron(args: string[]): Promise<Running> {
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
    const app: ElectronApplication = await _electron.launch({
      executablePath: ELECTRON,
      args: [...sandbox, ROOT, ...args],
      cwd: ROOT,
    })
    const child = app.process()
    const ended = endOf(child)
    this.#started.push({ child, ended })
    const page = await app.firstWindow()
    this.#watch(page, 'lanescope://app')
    return { page, pid: child.pid ?? 0, stop: () => app.close(), kill: () => end(child, ended, 'SIGKILL') }
  }

  #watch(page: Page, origin: string): void {
    page.on('request', (request) => {
      const url = request.url()
      if (!url.startsWith(`${origin}/`) && !url.startsWith(`${origin.replace('http', 'ws')}/`) && !/^(data|blob):/.test(url))
        this.offences.push(`asked for ${url}`)
    })
    page.on('pageerror', (error) => this.offences.push(`threw ${error.message}`))
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.offences.push(message.text())
    })
  }

  /** Puts a whole file into the hot folder at once, as a scanner that renames does. */
  put(name: string, bytes: Uint8Array | string): void {
    const aside = join(this.folder, `aside-${this.#bags++}`)
    writeFileSync(aside, bytes)
    renameSync(aside, join(this.hot, name))
  }

  /** A new drawn bag arrives. Returns its file name. */
  async bag(): Promise<string> {
    const seed = this.#bags + 1
    const name = `bag ${seed}.png`
    this.put(name, await drawBag(seed))
    return name
  }

  /** Stops the inference process where it is (SIGSTOP): a bag then waits for its verdict. */
  freezeInference(): void {
    for (const pid of this.#children()) process.kill(pid, 'SIGSTOP')
  }
  thawInference(): void {
    for (const pid of this.#children()) process.kill(pid, 'SIGCONT')
  }
  /** The station's own children: the inference process. */
  #children(): number[] {
    const pid = this.#running?.pid
    if (pid === undefined) return []
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  }

  /** The scanner's share goes away. */
  removeFeed(): void {
    rmSync(this.hot, { recursive: true })
  }

  async stop(): Promise<void> {
    const running = this.#running
    this.#running = null
    await running?.page.close().catch(() => undefined)
    await running?.stop()
  }

  /** kill -9; the page stays and has to notice. */
  async kill(): Promise<void> {
    await this.#running?.kill()
  }

  async end(): Promise<void> {
    this.#running = null
    for (const { child, ended } of this.#started) await end(child, ended, 'SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const endOf = (child: ChildProcess): Promise<void> => new Promise((done) => child.once('exit', () => done()))
async function end(child: ChildProcess, ended: Promise<void>, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal)
  await ended
}

export const test = base.extend<ShellOption & { lane: Lane }>({
  shell: ['served', { option: true }],
  lane: async ({ shell, context }, use, info) => {
    info.skip(
      shell === 'electron' && !existsSync(ELECTRON),
      `Electron’s binary is not here (${ELECTRON}): the same journey ran served`,
    )
    const lane = new Lane(shell, context)
    await use(lane)
    await lane.end()
    expect(lane.offences, 'no request to another host, no breach of the content security policy, no exception').toEqual([])
  },
})
export { expect }
