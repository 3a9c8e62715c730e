// The built bundles for tests that run them: builds when `out/` is missing or older than its sources, once for all test files.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')
export const out = (...parts: string[]): string => join(root, 'out', ...parts)
const BUNDLES = ['main/index.js', 'main/serve.js', 'main/inference-process.js', 'preload/index.cjs', 'renderer/index.html'].map(
  (path) => out(path),
)

function newest(path: string): number {
  const stat = statSync(path)
  return stat.isDirectory() ? Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name)))) : stat.mtimeMs
}
function isBuilt(): boolean {
  try {
    return newest(join(root, 'src')) <= Math.min(...BUNDLES.map((path) => statSync(path).mtimeMs))
  } catch {
    // a bundle is missing, perhaps because a build is just replacing it
    return false
  }
}

/** Throws when the build fails. */
export async function ensureBuilt(): Promise<void> {
  const lock = join(root, '.cache/build.lock')
  mkdirSync(join(root, '.cache'), { recursive: true })
  const giveUp = Date.now() + 180_000
  while (!isBuilt()) {
    try {
      mkdirSync(lock)
    } catch {
      // Another test file builds. A lock that a killed run left behind is not waited for.
      if (existsSync(lock) && Date.now() - statSync(lock).mtimeMs > 120_000) rmSync(lock, { recursive: true, force: true })
      if (Date.now() > giveUp) throw new Error(`${lock} is in the way of the build`)
      await new Promise((done) => setTimeout(done, 250))
      continue
    }
    try {
      const built = spawnSync(
        process.execPath,
        [join(root, 'node_modules/electron-vite/bin/electron-vite.js'), 'build', '--logLevel', 'warn'],
        {
          cwd: root,
          encoding: 'utf8',
        },
      )
      if (built.status !== 0) throw new Error(`The build failed:\n${built.stdout}\n${built.stderr}`)
      return
    } finally {
      rmSync(lock, { recursive: true, force: true })
    }
  }
}
