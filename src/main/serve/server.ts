// The station for a browser on this machine: loopback HTTP for pages and pictures, one WebSocket for the contract.
import { onError, type AnyRouter } from '@orpc/server'
import { RPCHandler } from '@orpc/server/ws'
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import * as z from 'zod'
import { PATHS, type ServedPass } from '../../shared/bridge'
import { createGuard, newToken, type Asked } from './guard'
import type { Kept } from './kept'
import { OneTime } from './one-time'
import { Returning } from './returning'
import { text, type Site } from './site'
import type { Say } from '../station/ports'

export interface ServeOptions {
  site: Site
  /** the contract's procedures; they take no context */
  router: AnyRouter
  /** 0: the port that was kept, else any free one */
  port: number
  /** what a restarted station knows its pages by; without it they must be opened anew */
  kept?: Kept
  /** one line for the program's own log */
  say?: Say
}
export interface Served {
  port: number
  /** address with the token, to be opened once; nothing else opens the station */
  url: string
  /** An address that opens the station once, soon: for an argument list, which others can read. The one before is void. */
  onceUrl(): string
  /** Resolves when every connection is closed. */
  stop(): Promise<void>
}

const LOOPBACK = '127.0.0.1'
/** Requests of the contract are small; the largest is a draft policy. */
const LARGEST_MESSAGE = 1 << 20

/** Starts serving on 127.0.0.1. Rejects when the port is taken (EADDRINUSE) or not allowed (EACCES). */
export async function serve({ site, router, port: wanted, kept, say = () => undefined }: ServeOptions): Promise<Served> {
  const server = createServer()
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_MESSAGE, perMessageDeflate: false })
  const rpc = new RPCHandler(router, {
    interceptors: [onError((error) => say(`contract: ${error instanceof Error ? error.message : String(error)}`, 'warn'))],
  })
  const port = await listen(server, wanted, kept?.port ?? 0)
  kept?.keepPort(port)
  const token = newToken()
  const once = new OneTime()
  const judge = createGuard(port, token, (offered) => once.take(offered))
  const desk: Desk = { judge, site, returning: new Returning(kept?.key ?? randomBytes(32)) }

  server.on('request', (request, response) => {
    void answer(request, response, desk).catch((error: unknown) => {
      say(`http: ${error instanceof Error ? error.message : String(error)}`, 'warn')
      response.destroy()
    })
  })
  server.on('upgrade', (request, socket: Duplex, head) => {
    socket.on('error', () => socket.destroy())
    const judgement = judge(asked(request, true))
    if (judgement.kind !== 'pass') {
      refuseUpgrade(socket, judgement.kind === 'refuse' ? judgement.status : 400)
    } else if (pathOf(request) !== PATHS.socket) {
      refuseUpgrade(socket, 404)
    } else {
      sockets.handleUpgrade(request, socket, head, (ws) => {
        ws.on('error', () => ws.terminate())
        void rpc.upgrade(ws, { context: {} })
      })
    }
  })

  return {
    port,
    url: `http://${LOOPBACK}:${port}/?token=${token}`,
    onceUrl: () => `http://${LOOPBACK}:${port}/?token=${once.issue()}`,
    stop: async () => {
      for (const client of sockets.clients) client.close(1001, 'The station is closing.')
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // A browser that does not answer the close within a moment is cut off.
      const cut = setTimeout(() => {
        for (const client of sockets.clients) client.terminate()
        server.closeAllConnections()
      }, 500)
      server.closeIdleConnections()
      await closed
      clearTimeout(cut)
    },
  }
}

const asked = (request: IncomingMessage, upgrade: boolean): Asked => ({
  method: request.method ?? 'GET',
  url: request.url ?? '/',
  headers: request.headers,
  upgrade,
})
const pathOf = (request: IncomingMessage): string => (request.url ?? '/').split('?', 1)[0] ?? '/'

function refuseUpgrade(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/** Listens on loopback; where no port is wanted, on the one before if that is free. Returns the port. */
async function listen(server: Server, wanted: number, before: number): Promise<number> {
  const at = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject).listen(port, LOOPBACK, () => {
        server.off('error', reject)
        resolve()
      })
    })
  if (wanted === 0 && before !== 0) await at(before).catch(() => at(0))
  else await at(wanted)
  return (server.address() as AddressInfo).port
}

/** Who may come in, and what they find. */
interface Desk {
  judge: ReturnType<typeof createGuard>
  site: Site
  returning: Returning
}

async function answer(request: IncomingMessage, response: ServerResponse, { judge, site, returning }: Desk): Promise<void> {
  const judgement = judge(asked(request, false))
  if (judgement.kind === 'refuse') {
    await send(response, text(judgement.status, judgement.why))
  } else if (judgement.kind === 'welcome') {
    const welcome = text(303, 'Welcome.')
    welcome.headers.set('set-cookie', judgement.cookie)
    welcome.headers.set('location', '/')
    await send(response, welcome)
  } else if (judgement.kind === 'return') {
    await send(response, await comeBack(webRequest(request), judgement, returning, site))
  } else if (pathOf(request) === PATHS.pass && request.method === 'GET') {
    await send(response, json({ ...returning.pass(), build: await buildOf(site) } satisfies ServedPass))
  } else {
    await send(response, await site(webRequest(request)))
  }
}

const json = (value: unknown): Response => {
  const answer = text(200, JSON.stringify(value))
  answer.headers.set('content-type', 'application/json; charset=utf-8')
  return answer
}

const proof = z.object({ id: z.string().max(64), nonce: z.string().max(64), proof: z.string().max(64) })
/** Bytes that a proof may have. */
const LARGEST_PROOF = 1024

async function comeBack(
  request: Request,
  { cookie, host }: { cookie: string; host: string },
  returning: Returning,
  site: Site,
): Promise<Response> {
  if (request.method === 'GET') return json({ nonce: returning.nonce() })
  if (request.method !== 'POST') return text(405, 'Only GET and POST are answered here.')
  if (Number(request.headers.get('content-length') ?? Infinity) > LARGEST_PROOF) return text(413, 'That is no proof.')
  const given = proof.safeParse(await request.json().catch(() => null))
  if (!given.success || !returning.accepts(given.data, host))
    return text(401, 'Open the address that Lanescope printed when it started.')
  const back = json({ build: await buildOf(site) })
  back.headers.set('set-cookie', cookie)
  return back
}

/** What tells one build of the screens from the next: the page names every script by its content. */
async function buildOf(site: Site): Promise<string> {
  return (await site(new Request(`http://${LOOPBACK}/`))).headers.get('etag') ?? ''
}

function webRequest(request: IncomingMessage): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) if (typeof value === 'string') headers.set(name, value)
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
  return new Request(new URL(request.url ?? '/', `http://${request.headers.host ?? LOOPBACK}`), {
    method: request.method ?? 'GET',
    headers,
    ...(hasBody ? { body: Readable.toWeb(request) as unknown as NonNullable<RequestInit['body']>, duplex: 'half' } : {}),
  })
}

async function send(response: ServerResponse, answer: Response): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers))
  // Every answer of the site is in memory already.
  response.end(Buffer.from(await answer.arrayBuffer()))
}
