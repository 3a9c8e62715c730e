// What a window may never do: leave the app, open others, ask for permissions, reach a network.
import { session, type Session, type WebContents } from 'electron'
import { isOurs } from './scheme'

/** Refuses every permission and device, and cancels every request that is not to the app itself (developer tools excepted). */
export function lockDownSession(target: Session = session.defaultSession): void {
  target.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  target.setPermissionCheckHandler(() => false)
  target.setDevicePermissionHandler(() => false)
  target.setDisplayMediaRequestHandler((_request, answer) => answer({}))
  // Dictionaries would be fetched.
  target.setSpellCheckerEnabled(false)
  target.on('will-download', (event) => event.preventDefault())
  target.webRequest.onBeforeRequest(({ url }, answer) => answer({ cancel: !mayLoad(url) }))
}

/** `blob:` and `data:` hold what the page made itself. */
function mayLoad(url: string): boolean {
  return isOurs(url) || url.startsWith('blob:') || url.startsWith('data:') || url.startsWith('devtools:')
}

/** Denies new windows, navigation of any frame and webviews. A reload of the page itself stays possible. */
export function lockDownContents(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  contents.on('will-navigate', (event) => {
    if (event.url !== contents.getURL()) event.preventDefault()
  })
  contents.on('will-frame-navigate', (event) => {
    if (!event.isMainFrame) event.preventDefault()
  })
  contents.on('will-redirect', (event) => event.preventDefault())
  contents.on('will-attach-webview', (event) => event.preventDefault())
}
