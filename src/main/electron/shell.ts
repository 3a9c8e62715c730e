// Electron's whole life for this program: one instance, one window, and an end in which everything closes in order.
import { app, powerSaveBlocker, type BrowserWindow } from 'electron'
import type { AnyRouter } from '@orpc/server'
import { lockDownSession } from './lock-down'
import { answerConnects } from './ports'
import { handleScheme, registerScheme, type Site } from './scheme'
import { openWindow, setMenu } from './window'
import type { Say } from '../station/ports'

export interface ShellOptions {
  /** absolute path of the built preload */
  preload: string
  /** Builds the station once Electron is ready; what it rejects with is shown to the person, and the program ends. */
  build: () => Promise<{ site: Site; router: AnyRouter; stop: () => Promise<void> }>
  /** shows why the program can't start */
  fail: (error: unknown) => void
  say: Say
}

/** Runs the shell. Call before Electron is ready, i.e. synchronously at start. */
export function runShell({ preload, build, fail, say }: ShellOptions): void {
  if (!app.requestSingleInstanceLock()) {
    say('Lanescope is open already.')
    app.quit()
    return
  }
  app.enableSandbox()
  // Nothing is fetched: neither components nor field trials nor metrics.
  for (const flag of ['disable-background-networking', 'disable-component-update', 'disable-domain-reliability', 'no-pings'])
    app.commandLine.appendSwitch(flag)
  registerScheme()

  let window: BrowserWindow | null = null
  const endings: (() => Promise<void> | void)[] = []
  app.on('second-instance', () => {
    if (window?.isMinimized()) window.restore()
    window?.focus()
  })
  app.on('window-all-closed', () => app.quit())
  quitInOrder(endings, say)

  const start = async (): Promise<void> => {
    await app.whenReady()
    lockDownSession()
    setMenu(!app.isPackaged)
    const { site, router, stop } = await build()
    endings.unshift(stop)
    endings.unshift(handleScheme(site))
    endings.unshift(answerConnects(router, say))
    // A lane's screen that sleeps hides an alarm.
    const awake = powerSaveBlocker.start('prevent-display-sleep')
    endings.unshift(() => void powerSaveBlocker.stop(awake))
    window = openWindow(preload, say)
    window.on('closed', () => (window = null))
  }
  start().catch((error: unknown) => {
    fail(error)
    app.exit(1)
  })
}

/** Holds the quit back until everything is closed: contract ports, pages, then the station (inference process, database). */
function quitInOrder(endings: (() => Promise<void> | void)[], say: Say): void {
  let state: 'open' | 'ending' | 'ended' = 'open'
  app.on('will-quit', (event) => {
    if (state === 'ended') return
    event.preventDefault()
    if (state === 'ending') return
    state = 'ending'
    const end = async (): Promise<void> => {
      for (const ending of endings.splice(0)) {
        try {
          await ending()
        } catch (error) {
          say(`while closing: ${error instanceof Error ? error.message : String(error)}`)
        }
      }
      state = 'ended'
      app.quit()
    }
    void end()
  })
}
