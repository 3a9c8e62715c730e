// Finds the Chromium that browser tests drive; on a Debian machine with root rights it can install it.
import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable']

/** Path of an executable Chromium or Chrome (`LANESCOPE_CHROMIUM` first), or null. */
export function findBrowser(): string | null {
  const own = process.env['LANESCOPE_CHROMIUM']
  for (const path of own === undefined ? PLACES : [own]) {
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // not here: try the next place
    }
  }
  return null
}

/** Chromium refuses its sandbox to root; everything else keeps it. */
export const browserArgs = (): string[] => [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Installs Debian's Chromium where that is possible; says what it does. Null where it can't. */
export function installBrowser(): string | null {
  if (process.getuid?.() !== 0 || spawnSync('which', ['apt-get']).status !== 0) return null
  console.log('No Chromium found: installing Debian’s (apt-get install chromium).')
  try {
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' })
    execFileSync('apt-get', ['install', '-y', '-qq', 'chromium'], { stdio: 'inherit' })
  } catch {
    return null
  }
  return findBrowser()
}
