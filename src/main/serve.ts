// Composition root of served mode: the station under plain Node, its screens over loopback for this machine's browser.
import { err, out } from './cli/terminal'
import { openHouse, type House } from './house'
import { inferenceEntry, nodeSpawn } from './inference/node-spawn'
import { openLogFile, sayLastWords } from './log-file'
import { EXIT_WRONG_USE, parseStart, WrongUse, type StartOptions } from './options'
import { openKept } from './serve/kept'
import { noBrowser, openBrowser } from './serve/open-browser'
import { serve, type Served } from './serve/server'
import type { Say } from './station/ports'

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function readOptions(): StartOptions | null {
  try {
    return parseStart(process.argv.slice(2), 'lanescope serve')
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error
    err(`error: ${error.message}`, '(--help explains all options)')
    process.exit(EXIT_WRONG_USE)
  }
}

function endOnSignals(served: Served, house: House, say: Say): void {
  let since: number | null = null
  const end = async (): Promise<void> => {
    await served.stop()
    await house.stop()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (since === null) {
        since = performance.now()
        say('closing …')
        end().catch((error: unknown) => {
          say(words(error), 'error')
          process.exit(1)
        })
        // Ctrl+C may come twice at once, from the terminal and from npm; a person's second one is later.
      } else if (performance.now() - since > 1000) process.exit(1)
    })
}

async function main(options: StartOptions): Promise<void> {
  const from = import.meta.dirname
  const { say, path } = openLogFile(options.data)
  sayLastWords(say)
  const spawn = nodeSpawn(inferenceEntry(from), (line) => say(`inference process: ${line}`, 'warn'))
  const house = await openHouse({ start: options, spawn, from, say })
  let served: Served
  try {
    const kept = openKept(options.data, say)
    served = await serve({ site: house.site, router: house.router, port: options.port, kept, say })
  } catch (error) {
    await house.stop()
    throw error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      ? new Error(`Port ${options.port} is taken by another program. Without --port a free one is chosen.`, { cause: error })
      : error
  }
  endOnSignals(served, house, say)
  // One line that a script can read, too.
  void out(`Lanescope is open at ${served.url}`)
  say(`data in ${options.data}, this program's log in ${path}${options.demo ? '; the bundled demo plays (simulated scans)' : ''}`)
  if (options.headless) return
  const why = noBrowser()
  if (why === null) openBrowser(served.onceUrl())
  else say(`no browser was opened: ${why}. Open the address above on this machine.`)
}

const options = readOptions()
if (options !== null) {
  main(options).catch((error: unknown) => {
    err(...`error: ${words(error)}`.split('\n'))
    process.exit(1)
  })
}
