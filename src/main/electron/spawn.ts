// Starts the inference process as Electron's utility process.
import { utilityProcess } from 'electron'
import { createInterface } from 'node:readline'

/** The shape that the inference room's client asks for (its `InferenceProcess`). */
export interface SpawnedProcess {
  postMessage(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
  onExit(listener: (why: string) => void): void
  kill(): void
}

/** Spawns `entry` (absolute path of the built inference process). Each line of its stderr is given to `hear`; the end of it explains a death. */
export function utilitySpawn(entry: string, hear: (line: string) => void = () => undefined): () => SpawnedProcess {
  return () => {
    const child = utilityProcess.fork(entry, [], { serviceName: 'Lanescope inference', stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr?.on('data', (text: Buffer | string) => (said = (said + text.toString()).slice(-2000)))
    if (child.stderr) createInterface({ input: child.stderr }).on('line', hear)
    const exits: ((why: string) => void)[] = []
    let ended: string | null = null
    child.on('exit', (code) => {
      const last = said.trim().split('\n').at(-1) ?? ''
      ended = `exit code ${code}${last === '' ? '' : `; last words: ${last.slice(0, 300)}`}`
      for (const listener of exits) listener(ended)
    })
    return {
      postMessage: (message) => child.postMessage(message),
      onMessage: (listener) => void child.on('message', listener),
      onExit: (listener) => {
        if (ended === null) exits.push(listener)
        else listener(ended)
      },
      // Electron's own kill asks politely (SIGTERM); a hung session does not hear that.
      kill: () => {
        const { pid } = child
        if (pid === undefined) {
          child.kill()
          return
        }
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It is gone already; its exit is reported.
        }
      },
    }
  }
}
