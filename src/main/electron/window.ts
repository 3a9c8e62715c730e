// The one window: sandboxed, dark before its first paint, brought back when its process dies.
import { BrowserWindow, Menu } from 'electron'
import { APP_ORIGIN } from '../../shared/bridge'
import { lockDownContents } from './lock-down'
import type { Say } from '../station/ports'

/** Opens the window on the app's first page. `preload` is an absolute path. */
export function openWindow(preload: string, say: Say): BrowserWindow {
  const window = new BrowserWindow({
    title: 'Lanescope',
    width: 1600,
    height: 1000,
    minWidth: 1000,
    minHeight: 640,
    show: false,
    backgroundColor: '#0b0d10',
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      // An alarm must sound though nobody has clicked yet, and be on time in a covered window.
      autoplayPolicy: 'no-user-gesture-required',
      backgroundThrottling: false,
    },
  })
  lockDownContents(window.webContents)
  window.once('ready-to-show', () => window.show())
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    say(`window: its process went (${reason})`, 'error')
    if (reason !== 'clean-exit' && !window.isDestroyed()) window.webContents.reload()
  })
  window
    .loadURL(`${APP_ORIGIN}/`)
    .catch((error: unknown) => say(`window: ${error instanceof Error ? error.message : String(error)}`))
  return window
}

/** Only what a lane needs; no developer tools in a packaged program. */
export function setMenu(developer: boolean): void {
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      { role: 'fileMenu' },
      { role: 'editMenu' },
      {
        label: 'View',
        submenu: [
          { role: 'reload' },
          { role: 'togglefullscreen' },
          { role: 'resetZoom' },
          { role: 'zoomIn' },
          { role: 'zoomOut' },
          ...(developer ? [{ role: 'toggleDevTools' as const }] : []),
        ],
      },
    ]),
  )
}
