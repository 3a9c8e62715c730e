// A window of the stand-in: a real Chromium page. Requests go to the program's own protocol handler, the built preload runs before the
// page's scripts, and message ports are carried across piece by piece.
import { chromium, type Browser, type Page, type Route } from '@playwright/test'
import { readFileSync } from 'node:fs'
import { EventEmitter } from 'node:events'
import type * as Electron from 'electron'

/** Chromium knows no custom schemes from outside: the app's origin is carried as this one: secure as it is, and no name resolves it. */
const CARRIER = 'https://lanescope-app.invalid'
const APP = 'lanescope://app'

export interface Wires {
  /** asked for each request, as session.webRequest.onBeforeRequest */
  cancels: (url: string) => Promise<boolean>
  handle: (request: Request) => Promise<Response>
  /** ipcRenderer.send */
  send: (channel: string, args: unknown[]) => void
  told: { cancelled: string[]; escaped: string[]; console: string[] }
}
/** The main process's end of a port that was handed to the page. */
export interface CarriedPort {
  postMessage(message: unknown): void
  start(): void
  on(event: 'message', listener: (event: { data: unknown }) => void): unknown
  on(event: 'close', listener: () => void): unknown
  close(): void
}

let browser: Promise<Browser> | null = null
const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env['STAND_IN_BROWSER'] ?? '/usr/bin/chromium',
    args: JSON.parse(process.env['STAND_IN_BROWSER_ARGS'] ?? '[]') as string[],
  })
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close()
}

export async function openPage(preload: string, wires: Wires): Promise<Page> {
  browser ??= launch()
  const page = await (await browser).newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') wires.told.console.push(message.text())
  })
  page.on('pageerror', (error) => wires.told.console.push(error.message))
  await page.route('**/*', (route) => answer(route, wires))
  await page.exposeFunction('__send', (channel: string, args: unknown[]) => wires.send(channel, args))
  await page.exposeFunction('__fromPage', (id: number, data: Carried) => carried.get(id)?.postMessage(unpack(data)))
  await page.addInitScript({ content: inPage(readFileSync(preload, 'utf8')) })
  return page
}

async function answer(route: Route, wires: Wires): Promise<void> {
  const request = route.request()
  const isApp = request.url().startsWith(`${CARRIER}/`)
  const url = isApp ? APP + request.url().slice(CARRIER.length) : request.url()
  if (await wires.cancels(url)) {
    wires.told.cancelled.push(url)
    await route.abort('blockedbyclient')
    return
  }
  if (!isApp) {
    wires.told.escaped.push(url)
    await route.abort('addressunreachable')
    return
  }
  const body = request.postDataBuffer()
  const response = await wires.handle(
    new Request(url, {
      method: request.method(),
      headers: request.headers(),
      ...(body === null ? {} : { body: Uint8Array.from(body) }),
    }),
  )
  await route.fulfill({
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()),
  })
}

export const pageAddress = (appUrl: string): string => CARRIER + appUrl.slice(APP.length)
export const appAddress = (pageUrl: string): string =>
  pageUrl.startsWith(CARRIER) ? APP + pageUrl.slice(CARRIER.length) : pageUrl

// ---- ports: strings go as they are, bytes as base64

type Carried = { text: string } | { base64: string }
const pack = (data: unknown): Carried =>
  data instanceof Uint8Array
    ? { base64: Buffer.from(data).toString('base64') }
    : data instanceof ArrayBuffer
      ? { base64: Buffer.from(data).toString('base64') }
      : { text: data as string }
const unpack = (data: Carried): unknown => ('text' in data ? data.text : Uint8Array.from(Buffer.from(data.base64, 'base64')))

const carried = new Map<number, CarriedPort>()
let nextPort = 1

/** ipcRenderer's event with ports, as webFrameMain.postMessage brings it about. */
export async function handPorts(page: Page, channel: string, message: unknown, ports: CarriedPort[]): Promise<void> {
  const ids = ports.map((port) => {
    const id = nextPort++
    carried.set(id, port)
    port.on('message', ({ data }) => void page.evaluate(`__toPage(${id}, ${JSON.stringify(pack(data))})`).catch(() => undefined))
    port.on('close', () => {
      carried.delete(id)
      void page.evaluate(`__closePort(${id})`).catch(() => undefined)
    })
    return id
  })
  await page.evaluate(`__deliver(${JSON.stringify(channel)}, ${JSON.stringify(message ?? null)}, ${JSON.stringify(ids)})`)
  for (const port of ports) port.start()
}

/** The page's half: `require('electron')` for the preload, and the page's ends of the ports. */
const inPage = (preload: string): string => `(() => {
  if (window !== window.top) return
  const listeners = new Map()
  const ends = new Map()
  const toPage = (data) => 'text' in data ? data.text : Uint8Array.from(atob(data.base64), (c) => c.charCodeAt(0))
  const toMain = (data) => typeof data === 'string' ? { text: data } : { base64: btoa(String.fromCharCode(...(ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)))) }
  const electron = {
    ipcRenderer: {
      on: (channel, listener) => void listeners.set(channel, [...(listeners.get(channel) ?? []), listener]),
      send: (channel, ...args) => void window.__send(channel, args),
    },
    contextBridge: {
      exposeInMainWorld: (key, api) => Object.defineProperty(window, key, { value: Object.freeze({ ...api }), enumerable: true }),
    },
  }
  Object.assign(window, {
    __exposed: () => Object.fromEntries(Object.entries(window.lanescope ?? {}).map(([k, v]) => [k, typeof v])),
    __toPage: (id, data) => ends.get(id)?.postMessage(toPage(data)),
    __closePort: (id) => ends.get(id)?.close(),
    __deliver: (channel, message, ids) => {
      const ports = ids.map((id) => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = (event) => void window.__fromPage(id, toMain(event.data))
        ends.set(id, port1)
        return port2
      })
      for (const listener of listeners.get(channel) ?? []) listener({ ports }, message)
    },
  })
  ;((require, module, exports) => { ${preload} })((name) => {
    if (name !== 'electron') throw new Error('A sandboxed preload cannot require ' + name)
    return electron
  }, { exports: {} }, {})
})()`

/** A pair of joined ports, as Electron's MessageChannelMain: messages wait until the receiving end is started. */
export class MainPort extends EventEmitter implements Pick<Electron.MessagePortMain, 'close' | 'postMessage' | 'start'> {
  #other: MainPort | null = null
  #waiting: unknown[] | null = []

  static pair(): [MainPort, MainPort] {
    const [a, b] = [new MainPort(), new MainPort()]
    a.#other = b
    b.#other = a
    return [a, b]
  }
  postMessage(data: unknown): void {
    const other = this.#other
    if (!other) return
    if (other.#waiting) other.#waiting.push(data)
    else setImmediate(() => void other.emit('message', { data, ports: [] }))
  }
  start(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = null
    for (const data of waiting) setImmediate(() => void this.emit('message', { data, ports: [] }))
  }
  close(): void {
    const other = this.#other
    if (!other) return
    this.#other = other.#other = null
    setImmediate(() => {
      other.emit('close')
      this.emit('close')
    })
  }
}
