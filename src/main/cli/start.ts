// `lanescope start` and `lanescope serve`: the workstation, as `npm start` runs it, and the station with served screens only. Both run in a
// process of their own, so that the command line never loads Electron or the database.
import type { Command } from 'commander'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { addStartOptions, findBundled, toStartOptions, WrongUse } from '../options'
import { UsageError } from './exit'

export function register(program: Command): void {
  const start = program
    .command('start')
    .summary('open the workstation (the same as npm start)')
    .description(
      'Opens the workstation, in Electron where it is installed, else in the browser. Without --feed and --replay it plays the bundled demo.',
    )
  const serve = program
    .command('serve')
    .summary('run the station and serve its screens on 127.0.0.1')
    .description(
      'Runs the station without Electron and prints the address of its screens. Without --feed and --replay it plays the bundled demo.',
    )
  for (const [command, find] of [
    [start, startScript],
    [serve, servedRoot],
  ] as const)
    addStartOptions(command).action(async () => {
      checked(command)
      process.exitCode = await run(find(), process.argv.slice(process.argv.indexOf(command.name()) + 1))
    })
}

/** Wrong use is told here, before anything is built or opened. */
function checked(command: Command): void {
  try {
    toStartOptions(command.opts())
  } catch (error) {
    throw error instanceof WrongUse ? new UsageError(error.message) : error
  }
}

function startScript(): string {
  const script = findBundled(import.meta.dirname, 'scripts', 'start.ts')
  if (script === null) throw new Error('scripts/start.ts is missing: run this from a checkout of Lanescope.')
  return script
}

function servedRoot(): string {
  const root = join(import.meta.dirname, 'serve.js')
  const found = existsSync(root) ? root : findBundled(import.meta.dirname, 'serve.js')
  if (found === null) throw new Error('The served station is not built: run "npm run build".')
  return found
}

/** Runs a script under this Node with our terminal; signals are passed on, its exit code is ours. */
function run(script: string, args: string[]): Promise<number> {
  const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
}
