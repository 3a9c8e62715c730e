// Opens the person's own browser, where there is one. Never fails: the address is printed anyway.
import { spawn } from 'node:child_process'

/** Why no browser can show a page here, or null. */
export function noBrowser(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string | null {
  const display = (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== ''
  // Without a display xdg-open would start a text browser in this terminal.
  return platform === 'linux' && !display ? 'there is no display' : null
}

/** Whoever runs `ps` on this machine sees the address: pass one that opens the station once. */
export function openBrowser(url: string): void {
  if (noBrowser() !== null) return
  const [command, ...args]: string[] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '""', url]
        : ['xdg-open', url]
  if (command === undefined) return
  try {
    const child = spawn(command, args, { stdio: 'ignore', detached: true })
    child.on('error', () => undefined)
    child.unref()
  } catch {
    // no such program: the printed address does
  }
}
