// Opens a way to the station: a message port under Electron, a WebSocket in a browser (the handshake is in src/shared/bridge.ts).
import { createORPCClient } from '@orpc/client'
import type { ClientContext, ClientLink } from '@orpc/client'
import { RPCLink as PortLink } from '@orpc/client/message-port'
import { RPCLink as SocketLink } from '@orpc/client/websocket'
import { ResponseValidationPlugin } from '@orpc/contract/plugins'
import { BRIDGE, PATHS, type LanescopeBridge } from '../../shared/bridge'
import { contract } from '../../shared/contract'
import { within, type Client, type Connection } from './client'
import { comeBack, keepPass } from './pass'

const OPEN_MS = 5000

export function openConnection(): Promise<Connection> {
  const bridge = window.lanescope
  return bridge === undefined ? openSocket() : openPort(bridge)
}

// Every answer and event is checked against the contract here as well: a screen never shows what it did not understand.
const plugins = () => [new ResponseValidationPlugin<ClientContext>(contract)]
const clientOf = (link: ClientLink<ClientContext>): Client => createORPCClient(link)

async function openSocket(mayReturn = true): Promise<Connection> {
  const url = new URL(PATHS.socket, location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(url)
  const opened = new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true })
    socket.addEventListener('close', () => reject(new Error('The station closed the connection.')), { once: true })
  })
  const closed = new Promise<string>((resolve) => {
    socket.addEventListener('close', () => resolve('The station closed the connection, or it has stopped.'), { once: true })
  })
  try {
    await within(OPEN_MS, 'opening the connection', opened)
  } catch (error) {
    socket.close()
    const refused = await whyRefused()
    if (refused === null) throw error
    if (refused.known || !mayReturn || !(await comeBack())) throw new Error(refused.words, { cause: error })
    return openSocket(false)
  }
  void keepPass()
  return { client: clientOf(new SocketLink({ websocket: socket, plugins: plugins() })), closed, close: () => socket.close() }
}

/** A browser does not say why a WebSocket failed; an ordinary request does. */
async function whyRefused(): Promise<{ words: string; known: boolean } | null> {
  try {
    const { status } = await fetch('/', { cache: 'no-store', signal: AbortSignal.timeout(OPEN_MS) })
    if (status === 401 || status === 403)
      return {
        words: 'The station was started anew and no longer knows this page. Open the address that it printed when it started.',
        known: false,
      }
    return null
  } catch {
    return { words: 'The station does not answer. It has probably stopped.', known: true }
  }
}

async function openPort(bridge: LanescopeBridge): Promise<Connection> {
  const arrived = new Promise<MessagePort>((resolve) => {
    const listen = (event: MessageEvent): void => {
      const port = event.ports[0]
      if (event.source !== window || event.data !== BRIDGE.port || port === undefined) return
      window.removeEventListener('message', listen)
      resolve(port)
    }
    window.addEventListener('message', listen)
  })
  bridge.connect()
  const port = await within(OPEN_MS, 'opening the connection', arrived)
  const closed = new Promise<string>((resolve) => {
    port.addEventListener('close', () => resolve('The station’s process has gone.'), { once: true })
  })
  const link = new PortLink({ port, plugins: plugins() })
  port.start()
  return { client: clientOf(link), closed, close: () => port.close() }
}
