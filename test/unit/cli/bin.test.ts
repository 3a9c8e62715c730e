// bin/lanescope.js in a checkout of its own: the right Node, built when missing or stale, stdout left to the command.
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, expect, test } from 'vitest'

const bin = resolve(import.meta.dirname, '../../../bin/lanescope.js')
/** Makes the bin believe that an old Node runs it. */
const OLD_NODE = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.20.2"});process.env.WAS_OLD="yes"'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** A checkout with the real bin, a stand-in for the build tool, and a source file. Returns its folder. */
function checkout({
  built = true,
  source = 'console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7',
} = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'lanescope-bin-'))
  folders.push(root)
  for (const dir of ['bin', 'src', 'node_modules/node/bin', 'node_modules/electron-vite/bin'])
    mkdirSync(join(root, dir), { recursive: true })
  copyFileSync(bin, join(root, 'bin', 'lanescope.js'))
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  writeFileSync(join(root, 'src', 'cli.js'), source)
  symlinkSync(process.execPath, join(root, 'node_modules/node/bin/node'))
  writeFileSync(
    join(root, 'node_modules/electron-vite/bin/electron-vite.js'),
    `import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
     console.log('the tool talks'); if (existsSync('broken')) process.exit(1)
     mkdirSync('out/main', { recursive: true }); copyFileSync('src/cli.js', 'out/main/cli.js')`,
  )
  if (built) {
    mkdirSync(join(root, 'out/main'), { recursive: true })
    writeFileSync(join(root, 'out/main/cli.js'), source)
    const later = Date.now() / 1000 + 60
    utimesSync(join(root, 'out/main/cli.js'), later, later)
  }
  return root
}
interface Run {
  code: number | null
  stdout: string
  stderr: string
}
function run(root: string, args: string[], nodeOptions: string[] = [], during?: (pid: number) => void): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...nodeOptions, join(root, 'bin/lanescope.js'), ...args], { cwd: tmpdir() })
    const all: Run = { code: null, stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      all.stdout += text
      if (child.pid !== undefined) during?.(child.pid)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (all.stderr += text))
    child.on('close', (code) => resolve({ ...all, code }))
  })
}

test('a built checkout: arguments go in, the exit code comes back, nothing is built', async () => {
  const done = await run(checkout(), ['scan', 'a b', '--json'])
  expect(done).toEqual({ code: 7, stdout: '["scan","a b","--json"]\n', stderr: '' })
})

test('an old Node hands over to the one that npm ci installed', async () => {
  const source = 'console.log(process.version, process.env.WAS_OLD, process.argv[2]); process.exitCode = 7'
  const done = await run(checkout({ source }), ['scan'], ['--import', OLD_NODE])
  expect(done).toEqual({ code: 7, stdout: `${process.version} yes scan\n`, stderr: '' })
})

test('an old Node and nothing installed: says what to do', async () => {
  const root = checkout()
  rmSync(join(root, 'node_modules'), { recursive: true })
  const done = await run(root, [], ['--import', OLD_NODE])
  expect(done.code).toBe(70)
  expect(done.stderr).toMatch(/20\.20\.2 is too old.*npm ci/)
})

test('what is not built is built, and the tool talks on stderr', async () => {
  const done = await run(checkout({ built: false }), ['x'])
  expect(done.stdout).toBe('["x"]\n')
  expect(done.stderr).toMatch(/building, once[\s\S]*the tool talks/)
  expect(done.code).toBe(7)
})

test('what is older than its source is built anew', async () => {
  const root = checkout()
  const later = Date.now() / 1000 + 600
  writeFileSync(join(root, 'src/cli.js'), 'console.log("new")')
  utimesSync(join(root, 'src/cli.js'), later, later)
  expect((await run(root, [])).stdout).toBe('new\n')
  expect(readFileSync(join(root, 'out/main/cli.js'), 'utf8')).toContain('new')
})

test('a build that fails is said, and nothing stale is run', async () => {
  const root = checkout({ built: false })
  writeFileSync(join(root, 'broken'), '')
  const done = await run(root, ['x'])
  expect([done.code, done.stdout]).toEqual([70, ''])
  expect(done.stderr).toMatch(/build failed/)
})

test('a signal reaches the command, also through the second Node', async () => {
  const source = `process.on('SIGTERM', () => { console.log('told'); process.exit(5) }); setInterval(() => undefined, 1000); console.log('here')`
  let sent = false
  const done = await run(checkout({ source }), [], ['--import', OLD_NODE], (pid) => {
    if (!sent) process.kill(pid, 'SIGTERM')
    sent = true
  })
  expect([done.code, done.stdout]).toEqual([5, 'here\ntold\n'])
})
