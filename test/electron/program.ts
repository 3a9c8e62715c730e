// Starts the built main bundle on the stand-in, in a process of its own, and talks to its desk.
import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { browserArgs, findBrowser } from '../../scripts/browser.ts'
import { out, root } from './built'
import type { Ask, Told } from './stand-in/desk'

export interface Program {
  pid: number
  ask(ask: Ask): Promise<unknown>
  told(): Promise<Told>
  evaluate<T>(code: string): Promise<T>
  /** exit code, or the signal's name */
  ended: Promise<number | string>
  stderr: () => string
  kill(): void
}

export function startProgram(args: string[], env: Record<string, string> = {}): Program {
  const browser = findBrowser()
  if (browser === null) throw new Error('There is no Chromium: set LANESCOPE_CHROMIUM.')
  const child: ChildProcess = fork(out('main/index.js'), args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      '--import',
      pathToFileURL(join(import.meta.dirname, 'stand-in/register.ts')).href,
    ],
    env: { ...process.env, ...env, STAND_IN_BROWSER: browser, STAND_IN_BROWSER_ARGS: JSON.stringify(browserArgs()) },
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text))
  const answers = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let next = 1
  child.on('message', (message: { id: number; value?: unknown; error?: string }) => {
    const waiting = answers.get(message.id)
    answers.delete(message.id)
    if (message.error === undefined) waiting?.resolve(message.value)
    else waiting?.reject(new Error(message.error))
  })
  const ended = new Promise<number | string>((resolve) =>
    child.on('exit', (code, signal) => {
      for (const { reject } of answers.values()) reject(new Error(`The program ended (${String(code ?? signal)}):\n${said}`))
      resolve(code ?? signal ?? -1)
    }),
  )
  const ask = (what: Ask): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = next++
      answers.set(id, { resolve, reject })
      child.send({ id, ask: what }, (error) => {
        if (error) reject(error)
      })
    })
  return {
    pid: child.pid ?? -1,
    ask,
    told: () => ask({ do: 'told' }) as Promise<Told>,
    evaluate: <T>(code: string) => ask({ do: 'evaluate', code }) as Promise<T>,
    ended,
    stderr: () => said,
    kill: () => void child.kill('SIGKILL'),
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
