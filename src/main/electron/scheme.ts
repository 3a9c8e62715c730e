// The app's own scheme: the window's pages and pictures, by the same site as over HTTP. Privileges must be given before Electron is ready.
import { protocol } from 'electron'
import { APP_ORIGIN, APP_SCHEME } from '../../shared/bridge'

export type Site = (request: Request) => Promise<Response>

export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, codeCache: true } },
  ])
}

/** Answers `lanescope://app/…` and nothing else. */
export function handleScheme(site: Site): () => void {
  protocol.handle(APP_SCHEME, async (request) =>
    isOurs(request.url) ? await site(request) : new Response('There is nothing here.\n', { status: 404 }),
  )
  return () => protocol.unhandle(APP_SCHEME)
}

/** Whether an address is a page or picture of this program. */
export function isOurs(url: string): boolean {
  if (!URL.canParse(url)) return false
  // Not `.origin`: that is "null" for schemes that the URL standard doesn't know.
  const { protocol: scheme, host, username, password } = new URL(url)
  return `${scheme}//${host}` === APP_ORIGIN && username === '' && password === ''
}
