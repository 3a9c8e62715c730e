// The program's own log: one line an event, with time and level, in files that rotate inside the data folder.
import log from 'electron-log/node'
import { chmodSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { printable } from '../domain/scan/names'
import type { Say } from './station/ports'

/** Bytes after which a file is put aside, and how many of those are kept beside the one in use. */
const LARGEST = 5 * 2 ** 20
const KEPT = 5
/** The owner alone: lines name scans and people. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

export interface LogFile {
  say: Say
  /** the file in use */
  path: string
}

/**
 * Opens the log of a data folder; each line goes to stderr as well. Control and direction characters (a scan's name may hold any) are escaped,
 * so that an event is one line and no name can forge another. Lines are written before `say` returns, so that a crash loses none. Never
 * throws: a lane runs without its log file too, and what could not be written is said on stderr.
 */
export function openLogFile(data: string, { largest = LARGEST, kept = KEPT, now = () => new Date() } = {}): LogFile {
  const folder = join(data, 'logs')
  const path = join(folder, 'lanescope.log')
  const echo = (line: string): void => void process.stderr.write(`lanescope: ${line}\n`)
  try {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
    chmodSync(folder, FOLDER_MODE) // an older, wider one
  } catch (error) {
    echo(`there is no log file: ${error instanceof Error ? error.message : String(error)}`)
  }
  const logger = log.create({ logId: path })
  logger.transports.console.level = false
  Object.assign(logger.transports.file, {
    level: 'info',
    maxSize: largest,
    resolvePathFn: () => path,
    writeOptions: { flag: 'a', mode: FILE_MODE, encoding: 'utf8' },
    archiveLogFn: () => rotate(folder, kept, echo),
    transforms: [({ data: words }: { data: unknown[] }) => words.join(' ')],
  })
  return {
    path,
    say: (line, level = 'info') => {
      const shown = printable(line)
      echo(shown)
      logger[level](`${now().toISOString()} ${level.padEnd(5)} ${shown}`)
    },
  }
}

/** What ends the program unforeseen is the last line of its log; the program ends as it would have. */
export function sayLastWords(say: Say): void {
  process.on('uncaughtExceptionMonitor', (error, origin) => say(`${origin}: ${error.stack ?? error.message}`, 'error'))
}

/** `lanescope.log` becomes `lanescope.1.log`, that one `lanescope.2.log`, and so on; the oldest is written over. */
function rotate(folder: string, kept: number, echo: (line: string) => void): void {
  const file = (n: number): string => join(folder, n === 0 ? 'lanescope.log' : `lanescope.${n}.log`)
  for (let n = kept; n >= 1; n--) {
    try {
      renameSync(file(n - 1), file(n))
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') continue
      echo(`the log file could not be put aside: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
