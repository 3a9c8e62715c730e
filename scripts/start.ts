// `npm start`: builds what is missing or older than its source, then opens the workstation: in Electron where its binary is there or can
// be fetched, else in the browser over loopback. Says in one line which, and why. Own flags: --electron, --browser.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = dirname(import.meta.dirname)
const served = join(root, 'out/main/serve.js')
const electron = join(root, 'node_modules/electron')
/** Remembers that fetching failed, so that later starts don't wait for it. */
const failed = join(root, 'node_modules/.cache/lanescope/electron-not-fetched')
const REMEMBER_MS = 7 * 24 * 3_600_000
const REACH_MS = 4000
const FETCH_MS = 120_000

const say = (line: string): void => console.error(`lanescope: ${line}`)
const args = process.argv.slice(2)
const forElectron = args.includes('--electron')
const forBrowser = args.includes('--browser')
const rest = args.filter((arg) => arg !== '--electron' && arg !== '--browser')

function newest(path: string): number {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))))
}

function isBuilt(): boolean {
  const built = [
    served,
    join(root, 'out/main/index.js'),
    join(root, 'out/preload/index.cjs'),
    join(root, 'out/renderer/index.html'),
  ]
  if (!built.every((path) => existsSync(path))) return false
  const sources = ['src', 'electron.vite.config.ts', 'svelte.config.js', 'package-lock.json'].map((name) => join(root, name))
  return Math.max(...sources.map(newest)) <= Math.min(...built.map((path) => statSync(path).mtimeMs))
}

function build(): void {
  say('building, once …')
  const tool = join(root, 'node_modules/electron-vite/bin/electron-vite.js')
  const { status } = spawnSync(process.execPath, [tool, 'build', '--logLevel', 'warn'], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status === 0) return
  say('the build failed; see above.')
  process.exit(70)
}

/** Path of Electron's binary, or null. Never asks the `electron` package for it: that would fetch it unasked. */
function electronBinary(): string | null {
  try {
    const binary = join(
      process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(electron, 'dist'),
      readFileSync(join(electron, 'path.txt'), 'utf8'),
    )
    return existsSync(binary) ? binary : null
  } catch {
    return null
  }
}

/** Why Electron could not run here even if its binary were there; null when it could. */
function noWindow(): string | null {
  if (process.platform !== 'linux') return null
  if (!process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']) return 'there is no display for a window'
  return process.getuid?.() === 0 ? "Electron's sandbox does not run as root" : null
}

/** Fetches the binary: one bounded try, and not again for a week after a failure. Returns why not, or null. */
async function fetchElectron(): Promise<string | null> {
  if (process.env['ELECTRON_SKIP_BINARY_DOWNLOAD'])
    return 'Electron’s binary is not here (and ELECTRON_SKIP_BINARY_DOWNLOAD is set)'
  if (!forElectron && existsSync(failed) && Date.now() - statSync(failed).mtimeMs < REMEMBER_MS)
    return 'Electron’s binary is not here and could not be fetched lately (--electron tries again)'
  say('Electron’s binary is not here: trying to fetch it from GitHub, once (--browser skips this) …')
  const from = process.env['ELECTRON_MIRROR'] ?? process.env['npm_config_electron_mirror'] ?? 'https://github.com'
  const reached = await fetch(from, { method: 'HEAD', signal: AbortSignal.timeout(REACH_MS) }).then(
    () => true,
    () => false,
  )
  const fetched =
    reached && spawnSync(process.execPath, [join(electron, 'install.js')], { stdio: 'ignore', timeout: FETCH_MS }).status === 0
  if (fetched && electronBinary() !== null) {
    rmSync(failed, { force: true })
    return null
  }
  try {
    mkdirSync(dirname(failed), { recursive: true })
    writeFileSync(failed, '')
  } catch {
    // a checkout that belongs to somebody else: the next start tries again
  }
  return reached ? 'Electron’s binary could not be fetched' : 'Electron’s binary is not here and GitHub cannot be reached'
}

async function chooseShell(): Promise<{ binary: string } | { why: string }> {
  if (rest.includes('--headless')) return { why: '--headless was given' }
  if (forBrowser) return { why: '--browser was given' }
  const why = noWindow()
  if (why !== null) return { why }
  const missing = electronBinary() === null ? await fetchElectron() : null
  const binary = electronBinary()
  return binary === null ? { why: missing ?? 'Electron’s binary is not here' } : { binary }
}

function runElectron(binary: string): void {
  const env = { ...process.env }
  delete env['ELECTRON_RUN_AS_NODE']
  const child = spawn(binary, [root, ...rest], { stdio: 'inherit', env })
  // The terminal sends Ctrl+C to the window's process, too; this one only waits for its end.
  process.on('SIGINT', () => undefined)
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    say(error.message)
    process.exit(70)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
}

const help = rest.includes('--help') || rest.includes('-h')
if (!isBuilt()) build()
const shell = help ? { why: '' } : await chooseShell()
if ('binary' in shell) {
  say('opening in Electron: its binary is here.')
  runElectron(shell.binary)
} else {
  if (!help) say(`serving over loopback for a browser: ${shell.why}.`)
  process.argv = [process.execPath, served, ...rest]
  await import(pathToFileURL(served).href)
}
