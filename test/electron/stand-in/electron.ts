// A small stand-in for the Electron modules that the built main bundle imports, for machines where Electron's binary cannot be had.
// Every member is checked against Electron's own declarations (`satisfies`), so the stand-in cannot drift from them unseen. What it
// does is what Electron documents and no more: a window is a real Chromium page, a utility process a real child process.
import type { Page } from '@playwright/test'
import { fork, type ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import type * as Electron from 'electron'
import type { Ask, Told } from './desk.ts'
import { appAddress, closeBrowser, handPorts, MainPort, openPage, pageAddress } from './window.ts'

/** The methods of an Electron object; its events are those of a plain emitter here. */
type Methods<T> = Partial<Omit<T, keyof EventEmitter>>
const told: Told = {
  pid: process.pid,
  schemes: [],
  handled: [],
  sandboxed: false,
  switches: [],
  lockAsked: false,
  windows: [],
  menu: [],
  awake: false,
  spellChecker: null,
  utilities: [],
  serviceNames: [],
  cancelled: [],
  escaped: [],
  ports: 0,
  errorBoxes: [],
  console: [],
}

// ---- app
let isReady = false
/** An event that can be prevented, as Electron's are. */
const preventable = (): Electron.Event & { readonly prevented: boolean } => {
  let prevented = false
  return {
    preventDefault: () => void (prevented = true),
    get defaultPrevented() {
      return prevented
    },
    get prevented() {
      return prevented
    },
  }
}
async function leave(code: number): Promise<never> {
  await closeBrowser().catch(() => undefined)
  process.exit(code)
}
const commandLine = { appendSwitch: (name) => void told.switches.push(name) } satisfies Partial<Electron.CommandLine>
export const app = Object.assign(new EventEmitter(), {
  isPackaged: false,
  requestSingleInstanceLock: () => (told.lockAsked = true),
  enableSandbox: () => {
    if (isReady) throw new Error('enableSandbox after ready')
    told.sandboxed = true
  },
  commandLine: commandLine as unknown as Electron.CommandLine,
  whenReady: async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    isReady = true
  },
  quit: () => {
    setImmediate(() => {
      const before = preventable()
      app.emit('before-quit', before)
      if (before.prevented) return
      for (const window of [...BrowserWindow.all]) window.destroy()
      const will = preventable()
      app.emit('will-quit', will)
      if (!will.prevented) void leave(process.exitCode === undefined ? 0 : Number(process.exitCode))
    })
  },
  exit: (code?: number) => void leave(code ?? 0),
}) satisfies EventEmitter & Methods<Electron.App>

// ---- protocol and session
const handlers = new Map<string, (request: GlobalRequest) => GlobalResponse | Promise<GlobalResponse>>()
export const protocol = {
  registerSchemesAsPrivileged: (schemes) => {
    if (isReady) throw new Error('registerSchemesAsPrivileged after ready')
    told.schemes.push(...schemes)
  },
  handle: (scheme, handler) => {
    handlers.set(scheme, handler)
    told.handled.push(scheme)
  },
  unhandle: (scheme) => {
    handlers.delete(scheme)
    told.handled = told.handled.filter((name) => name !== scheme)
  },
} satisfies Partial<Electron.Protocol>

type Permission = Parameters<Parameters<Electron.Session['setPermissionRequestHandler']>[0] & object>
let permission: ((...args: Permission) => void) | null = null
let permissionCheck: (Parameters<Electron.Session['setPermissionCheckHandler']>[0] & object) | null = null
let beforeRequest:
  ((details: Electron.OnBeforeRequestListenerDetails, answer: (response: Electron.CallbackResponse) => void) => void) | null =
  null
const webRequest = {
  onBeforeRequest: ((listener: typeof beforeRequest) =>
    void (beforeRequest = listener)) as Electron.WebRequest['onBeforeRequest'],
} satisfies Partial<Electron.WebRequest>
const defaultSession = Object.assign(new EventEmitter(), {
  setPermissionRequestHandler: (handler) => void (permission = handler),
  setPermissionCheckHandler: (handler) => void (permissionCheck = handler),
  setDevicePermissionHandler: () => undefined,
  setDisplayMediaRequestHandler: () => undefined,
  setSpellCheckerEnabled: (enable) => void (told.spellChecker = enable),
  webRequest: webRequest as unknown as Electron.WebRequest,
} satisfies Methods<Electron.Session>)
export const session = { defaultSession: defaultSession as unknown as Electron.Session } satisfies Partial<
  typeof Electron.session
>

const cancels = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    if (!beforeRequest) resolve(false)
    else beforeRequest({ url } as Electron.OnBeforeRequestListenerDetails, ({ cancel }) => resolve(cancel === true))
  })
const handle = async (request: Request): Promise<Response> => {
  const handler = handlers.get(new URL(request.url).protocol.replace(/:$/, ''))
  return handler ? await handler(request) : new Response(null, { status: 502 })
}

// ---- windows
class WebContents extends EventEmitter implements Methods<Electron.WebContents> {
  static next = 1
  readonly id = WebContents.next++
  readonly owner: BrowserWindow
  page: Page | null = null
  windowOpen: ((details: Electron.HandlerDetails) => Electron.WindowOpenHandlerResponse) | null = null
  readonly mainFrame = { url: '', postMessage: this.#post.bind(this) } as unknown as Electron.WebFrameMain
  constructor(owner: BrowserWindow) {
    super()
    this.owner = owner
  }
  #post(channel: string, message: unknown, transfer: Electron.MessagePortMain[] = []): void {
    told.ports += transfer.length
    if (this.page) void handPorts(this.page, channel, message, transfer as unknown as MainPort[]).catch(() => undefined)
  }
  setWindowOpenHandler(handler: typeof this.windowOpen & object): void {
    this.windowOpen = handler
  }
  getURL(): string {
    return this.page ? appAddress(this.page.url()) : ''
  }
  reload(): void {
    void this.page?.reload()
  }
}
export class BrowserWindow extends EventEmitter implements Methods<Electron.BrowserWindow> {
  static readonly all: BrowserWindow[] = []
  readonly contents = new WebContents(this)
  readonly told: Told['windows'][number]
  #options: Electron.BrowserWindowConstructorOptions
  #destroyed = false
  constructor(options: Electron.BrowserWindowConstructorOptions) {
    super()
    if (!isReady) throw new Error('a window before ready')
    this.#options = options
    this.told = { options, url: '', shown: options.show !== false, focused: 0 }
    told.windows.push(this.told)
    BrowserWindow.all.push(this)
  }
  get webContents(): Electron.WebContents {
    return this.contents as unknown as Electron.WebContents
  }
  async loadURL(url: string): Promise<void> {
    this.told.url = url
    const page = await openPage(this.#options.webPreferences?.preload ?? '', {
      cancels,
      handle,
      told,
      send: (channel, args) => fromPage(this.contents, channel, args, { url: appAddress(page.url()), isMainFrame: true }),
    })
    this.contents.page = page
    await page.goto(pageAddress(url), { waitUntil: 'domcontentloaded' })
    this.emit('ready-to-show')
  }
  show(): void {
    this.told.shown = true
  }
  focus(): void {
    this.told.focused += 1
  }
  isMinimized(): boolean {
    return false
  }
  restore(): void {
    // never minimised here
  }
  isDestroyed(): boolean {
    return this.#destroyed
  }
  close(): void {
    this.destroy()
    if (BrowserWindow.all.length === 0) app.emit('window-all-closed')
  }
  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    BrowserWindow.all.splice(BrowserWindow.all.indexOf(this), 1)
    void this.contents.page?.close().catch(() => undefined)
    this.emit('closed')
  }
}

// ---- messages
export const ipcMain = Object.assign(new EventEmitter(), {}) satisfies EventEmitter & Methods<Electron.IpcMain>
function fromPage(contents: WebContents, channel: string, args: unknown[], frame: { url: string; isMainFrame: boolean }): void {
  Object.assign(contents.mainFrame, frame.isMainFrame ? { url: frame.url } : {})
  const senderFrame = frame.isMainFrame
    ? contents.mainFrame
    : ({ url: frame.url, postMessage: () => void (told.ports += 1) } as unknown as Electron.WebFrameMain)
  const event: Pick<Electron.IpcMainEvent, 'sender' | 'senderFrame'> = {
    sender: contents as unknown as Electron.WebContents,
    senderFrame,
  }
  ipcMain.emit(channel, event, ...args)
}
export class MessageChannelMain implements Record<keyof Electron.MessageChannelMain, unknown> {
  readonly port1: MainPort
  readonly port2: MainPort
  constructor() {
    ;[this.port1, this.port2] = MainPort.pair()
  }
}

// ---- the rest
class UtilityProcess extends EventEmitter implements Methods<Electron.UtilityProcess> {
  readonly #child: ChildProcess
  readonly stderr: NodeJS.ReadableStream | null
  constructor(entry: string) {
    super()
    const shim = new URL('./parent-port.ts', import.meta.url).href
    this.#child = fork(entry, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--import', shim],
    })
    this.stderr = this.#child.stderr
    this.#child.on('message', (message) => void this.emit('message', message))
    this.#child.on('exit', (code) => void this.emit('exit', code ?? 1))
    this.#child.on('error', () => undefined)
    if (this.#child.pid !== undefined) told.utilities.push(this.#child.pid)
  }
  get pid(): number | undefined {
    return this.#child.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined
  }
  postMessage(message: unknown): void {
    if (this.#child.connected) this.#child.send(message as object)
  }
  kill(): boolean {
    return this.#child.kill('SIGTERM')
  }
}
export const utilityProcess = {
  fork: (modulePath: string, _args?: string[], options?: Electron.ForkOptions) => {
    if (!isReady) throw new Error('utilityProcess.fork before ready')
    told.serviceNames.push(options?.serviceName ?? '')
    return new UtilityProcess(modulePath) as unknown as Electron.UtilityProcess
  },
} satisfies Methods<typeof Electron.utilityProcess>
export const Menu = {
  buildFromTemplate: (template: (Electron.MenuItemConstructorOptions | Electron.MenuItem)[]) =>
    ({ template }) as unknown as Electron.Menu,
  setApplicationMenu: (menu: Electron.Menu | null) => {
    const { template } = menu as unknown as { template: Electron.MenuItemConstructorOptions[] }
    told.menu = template.flatMap((item) => [
      item.role ?? item.label ?? '',
      ...((item.submenu as Electron.MenuItemConstructorOptions[] | undefined) ?? []).map((sub) => sub.role ?? sub.label ?? ''),
    ])
  },
} satisfies Partial<typeof Electron.Menu>
export const dialog = {
  showErrorBox: (title, content) => {
    told.errorBoxes.push({ title, content })
    // the program may end before anybody asks
    process.stderr.write(`[box] ${title}: ${content}
`)
  },
} satisfies Partial<Electron.Dialog>
export const powerSaveBlocker = {
  start: (type) => {
    told.awake = type === 'prevent-display-sleep'
    return 7
  },
  stop: (id) => {
    told.awake = id !== 7
    return id === 7
  },
} satisfies Methods<Electron.PowerSaveBlocker>

// ---- the test's desk
const contents = (): WebContents => {
  const window = BrowserWindow.all[0]
  if (!window) throw new Error('there is no window')
  return window.contents
}
async function obey(ask: Ask): Promise<unknown> {
  switch (ask.do) {
    case 'told':
      return told
    case 'evaluate':
      return await contents().page?.evaluate(ask.code)
    case 'navigate': {
      const event = Object.assign(preventable(), { url: ask.url, isMainFrame: ask.isMainFrame })
      contents().emit(ask.event, event)
      return event.prevented
    }
    case 'attach-webview': {
      const event = preventable()
      contents().emit('will-attach-webview', event)
      return event.prevented
    }
    case 'open-window':
      return contents().windowOpen?.({ url: ask.url } as Electron.HandlerDetails)
    case 'permission':
      return await new Promise((resolve) => {
        if (!permission || !permissionCheck) throw new Error('no handler')
        const checked = permissionCheck(null, ask.name as 'media', '', {
          isMainFrame: true,
        })
        permission(
          contents() as unknown as Electron.WebContents,
          ask.name as Permission[1],
          (granted) => resolve(granted || checked),
          {} as Permission[3],
        )
      })
    case 'request':
      return (await cancels(ask.url)) ? 'cancelled' : (await handle(new Request(ask.url))).status
    case 'download': {
      const event = preventable()
      defaultSession.emit('will-download', event)
      return event.prevented
    }
    case 'connect-from': {
      const before = told.ports
      fromPage(contents(), 'lanescope:connect', [], ask)
      return told.ports - before
    }
    case 'reload':
      await contents().page?.reload({ waitUntil: 'domcontentloaded' })
      return null
    case 'second-instance':
      app.emit('second-instance', {}, [], '')
      return null
    case 'renderer-gone':
      contents().emit('render-process-gone', {}, { reason: 'crashed', exitCode: 1 } satisfies Electron.RenderProcessGoneDetails)
      return null
    case 'close-window':
      contents().owner.close()
      return null
    case 'quit':
      app.quit()
      return null
  }
}
process.on('message', (message: { id: number; ask: Ask }) => {
  obey(message.ask).then(
    (value) => process.send?.({ id: message.id, value }),
    (error: unknown) => process.send?.({ id: message.id, error: String(error) }),
  )
})
