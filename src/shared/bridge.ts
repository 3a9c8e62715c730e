// How a screen reaches its station: the one object that preload exposes, the names on the wire, and the paths that both shells serve.
//
// The handshake, which src/renderer/state/connection.ts follows:
//
//   Electron  (window.lanescope exists)
//     1. the page listens for `message` on window and keeps the first event with
//        `event.source === window && event.data === BRIDGE.port`: its `event.ports[0]` is the contract's MessagePort;
//     2. the page calls `window.lanescope.connect()`: the preload asks main, main opens a MessageChannelMain, binds one end to the
//        contract and sends the other, the preload passes it on with window.postMessage (a port cannot cross contextBridge);
//     3. the page gives the port to oRPC's message-port RPCLink and calls `port.start()`.
//     `connect()` may be called again at any time: it gives a fresh port and the old one is closed.
//
//   Served  (no window.lanescope)
//     1. `new WebSocket(PATHS.socket)` made absolute with ws: and location.host; the cookie that the token was exchanged for goes along;
//     2. the page gives the socket to oRPC's websocket RPCLink, and keeps the pass that PATHS.pass gives it, in memory only;
//     3. on close: wait, then open a new one. A 401 means that the station was restarted: the page asks PATHS.return for a nonce, posts its
//        proof there (an HMAC under the pass's key, src/main/serve/returning.ts) and has a cookie again. Without a pass, or where the proof
//        does not hold, it says in words that the printed address is needed.
//
// Images are same-origin in both (served: http://127.0.0.1:PORT, Electron: lanescope://app), so absolute paths do.

/** What the preload exposes as `window.lanescope`. */
export interface LanescopeBridge {
  /** Asks for a contract port; it arrives as a window message whose data is BRIDGE.port. */
  connect(): void
}

/** Names on Electron's wire. */
export const BRIDGE = {
  /** key on window */
  key: 'lanescope',
  /** renderer → main: give me a port */
  connect: 'lanescope:connect',
  /** main → renderer (with the port), and preload → page (window message) */
  port: 'lanescope:port',
} as const

/** Scheme and origin of the Electron shell's pages. */
export const APP_SCHEME = 'lanescope'
export const APP_ORIGIN = 'lanescope://app'

/** Paths that both shells serve beside the renderer's own files. */
export const PATHS = {
  socket: '/station',
  /** the bag's original scan, byte for byte where a browser shows just what was screened, else the station's lossless PNG of that */
  scan: (id: number) => `/scan/${id}`,
  /** the bag's heatmap sheet: five tiles, one below the other, in class order */
  heatmap: (id: number) => `/heatmap/${id}`,
  /** WebP, longest side at most 240 px */
  thumb: (id: number) => `/thumb/${id}`,
  /** POST a file's bytes, its name in the header DROP_NAME (encodeURIComponent); answers DropAnswer as JSON */
  drop: '/drop',
  /** served only: GET gives a page that is in its pass, a ServedPass as JSON */
  pass: '/pass',
  /** served only: GET gives `{ nonce }`, POST takes `{ id, nonce, proof }` and answers `{ build }` with the cookie, or 401 */
  return: '/return',
} as const
export const DROP_NAME = 'x-lanescope-name'
/** Largest file that a feed reads or a drop takes, bytes. */
export const LARGEST_FILE = 512 * 1024 * 1024

/** `received`: a new bag; `known`: the very same file was screened before; `refused`: why in plain words. */
export interface DropAnswer {
  result: 'received' | 'known' | 'refused'
  why: string | null
}

/** What lets a page come back to a restarted station: `key` is base64url, `build` tells one version of the screens from the next. */
export interface ServedPass {
  id: string
  key: string
  build: string
}

declare global {
  interface Window {
    readonly lanescope?: LanescopeBridge
  }
}
