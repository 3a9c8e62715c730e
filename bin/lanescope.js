#!/usr/bin/env node
// Finds the right Node, builds what is missing or older than its source, and runs the command line (out/main/cli.js).
// Plain JavaScript, and nothing newer than Node 20 understands: this file runs before the right Node is known.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const self = fileURLToPath(import.meta.url)
const root = dirname(dirname(self))
const cli = join(root, 'out', 'main', 'cli.js')
const ownNode = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

/** @param {string} message */
function refuse(message) {
  console.error(`lanescope: ${message}`)
  process.exit(70)
}

function nodeIsNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 12)
}

/** The same command under the Node that npm ci installed; signals are passed on, the exit code comes back. */
function runUnderOwnNode() {
  if (!existsSync(ownNode))
    refuse(`Node ${process.versions.node} is too old (22.12 or later is needed), and node_modules/node is missing: run "npm ci".`)
  const child = spawn(ownNode, [self, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => refuse(error.message))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

/** The newest change below a path, epoch ms. */
function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))))
}

function needsBuild() {
  if (!existsSync(cli)) return true
  const sources = ['src', 'electron.vite.config.ts', 'package-lock.json'].map((name) => join(root, name)).filter(existsSync)
  return Math.max(0, ...sources.map(newest)) > statSync(cli).mtimeMs
}

function build() {
  const tool = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
  if (!existsSync(tool)) refuse('it is not built, and its tools are not installed: run "npm ci".')
  console.error('lanescope: building, once …')
  // Stdout belongs to the command: a build's output goes to stderr.
  const { status } = spawnSync(process.execPath, [tool, 'build', '--logLevel', 'warn'], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) refuse('the build failed; see above.')
}

if (!nodeIsNewEnough()) runUnderOwnNode()
else {
  if (needsBuild()) build()
  await import(pathToFileURL(cli).href)
}
