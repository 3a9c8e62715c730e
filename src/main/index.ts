// Composition root of the workstation in Electron.
import { app, dialog } from 'electron'
import { join } from 'node:path'
import { err } from './cli/terminal'
import { utilitySpawn } from './electron/spawn'
import { runShell } from './electron/shell'
import { openHouse } from './house'
import { inferenceEntry } from './inference/node-spawn'
import { openLogFile, sayLastWords } from './log-file'
import { EXIT_WRONG_USE, parseStart, WrongUse, type StartOptions } from './options'

const from = import.meta.dirname

function fail(error: unknown): void {
  const words = error instanceof Error ? error.message : String(error)
  err(...`error: ${words}`.split('\n'))
  dialog.showErrorBox('Lanescope cannot start', words)
}

/** Our arguments: what follows the program (and, unpackaged, its folder), without Chromium's own switches. */
function readOptions(): StartOptions | { exit: number } {
  const args = process.argv
    .slice(app.isPackaged ? 1 : 2)
    .filter((arg) => !/^--(no-sandbox|inspect|remote-debugging|enable-|disable-)/.test(arg))
  try {
    return parseStart(args, 'lanescope') ?? { exit: 0 }
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error
    err(`error: ${error.message}`, '(--help explains all options)')
    return { exit: EXIT_WRONG_USE }
  }
}

const options = readOptions()
if ('exit' in options) app.exit(options.exit)
else {
  const { say } = openLogFile(options.data)
  sayLastWords(say)
  const spawn = utilitySpawn(inferenceEntry(from), (line) => say(`inference process: ${line}`, 'warn'))
  runShell({
    preload: join(from, '../preload/index.cjs'),
    build: () => openHouse({ start: options, spawn, from, say }),
    fail: (error) => {
      say(`cannot start: ${error instanceof Error ? error.message : String(error)}`, 'error')
      fail(error)
    },
    say,
  })
}
