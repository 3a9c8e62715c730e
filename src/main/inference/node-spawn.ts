// Starts the inference process under plain Node: served mode, command line, tests.
import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { InferenceProcess, Spawn } from './protocol'

const ENTRY = 'inference-process.js'

/** The built entry of the inference process, beside the caller or (a shared chunk) in a folder above. Pass `import.meta.dirname`. */
export function inferenceEntry(from: string): string {
  for (let dir = from; ; dir = dirname(dir)) {
    const entry = join(dir, ENTRY)
    if (existsSync(entry)) return entry
    if (dirname(dir) === dir) throw new Error(`${ENTRY} is not built: run "npm run build".`)
  }
}

/**
 * Spawns `entry` by `child_process.fork`. Its stdout is dropped (ours may be a JSON stream); each line of its stderr is given to `hear`, and the
 * end of it explains a death.
 */
export function nodeSpawn(entry: string, hear: (line: string) => void = () => undefined): Spawn {
  return () => {
    const child = fork(entry, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] })
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)))
    if (child.stderr) createInterface({ input: child.stderr }).on('line', hear)
    const exits: ((why: string) => void)[] = []
    let ended: string | null = null
    const end = (why: string): void => {
      if (ended !== null) return
      ended = why
      for (const listener of exits) listener(why)
    }
    // `error` also covers a fork that failed and a message that could not be sent.
    child.on('error', (error) => {
      child.kill('SIGKILL')
      end(error.message)
    })
    child.on('disconnect', () => child.kill('SIGKILL'))
    child.on('exit', (code, signal) => {
      const last = said.trim().split('\n').at(-1) ?? ''
      end(
        (signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`) +
          (last === '' ? '' : `; last words: ${last.slice(0, 300)}`),
      )
    })
    return {
      pid: child.pid,
      postMessage: (message) => void child.send(message),
      onMessage: (listener) => void child.on('message', listener),
      onExit: (listener) => {
        if (ended === null) exits.push(listener)
        else listener(ended)
      },
      kill: () => void child.kill('SIGKILL'),
    } satisfies InferenceProcess
  }
}
