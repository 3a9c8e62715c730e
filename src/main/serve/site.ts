// The pages, pictures and the drop, as one function from request to response: HTTP and Electron's protocol answer alike.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { DROP_NAME, LARGEST_FILE, PATHS, type DropAnswer } from '../../shared/bridge'
import type { ArrivedScan, ImageDesk } from '../station/ports'

export interface SiteOptions {
  /** folder of the built renderer */
  files: string
  images: ImageDesk
  drop: (name: string, content: ArrivedScan['content']) => Promise<DropAnswer>
  /** bytes a dropped file may have; default LARGEST_FILE */
  largest?: number
}
export type Site = (request: Request) => Promise<Response>

/** Nothing is fetched, run, framed or sent but from and to this very origin; no inline script, no inline style. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=()',
} as const

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
}

interface StaticFile {
  bytes: Uint8Array<ArrayBuffer>
  type: string
  etag: string
}

const etagOf = (bytes: Uint8Array): string => `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`

/** Reads the renderer's files once: only a path in this list is ever served, so no path leads anywhere else. Rejects when it is not built. */
async function readFiles(folder: string): Promise<Map<string, StaticFile>> {
  const files = new Map<string, StaticFile>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = Uint8Array.from(await readFile(path))
    const type = TYPES[extname(entry.name).toLowerCase()]
    if (type === undefined) continue
    files.set(`/${relative(folder, path).split(sep).join('/')}`, { bytes, type, etag: etagOf(bytes) })
  }
  const index = files.get('/index.html')
  if (!index) throw new Error(`The screens are not built: there is no index.html in ${folder}. Run "npm run build".`)
  return files.set('/', index)
}

/** Rejects when the renderer is not built. The site itself never rejects. */
export async function createSite(options: SiteOptions): Promise<Site> {
  const files = await readFiles(options.files)

  const serve = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname
    if (request.method === 'POST' && path === PATHS.drop) return takeDrop(request, options)
    if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'Only GET is answered here.')
    const file = files.get(path)
    if (file) return picture(request, file.bytes, file.type, file.etag)
    const image = await options.images.at(path)
    if (!image) return text(404, 'There is nothing here.')
    return picture(request, Uint8Array.from(image.bytes), image.type, etagOf(image.bytes))
  }

  return async (request) => {
    let response: Response
    try {
      response = await serve(request)
    } catch (error) {
      response = text(500, error instanceof Error ? error.message : String(error))
    }
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value)
    return response
  }
}

/**
 * Kept by the window but asked for again each time (a 304 on loopback costs next to nothing). Never `immutable`: another station's
 * bag 17 under the same origin would then be shown as this one's.
 */
function picture(request: Request, bytes: Uint8Array<ArrayBuffer>, type: string, etag: string): Response {
  const headers = { 'content-type': type, etag, 'cache-control': 'private, no-cache' }
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
  const body = request.method === 'HEAD' ? null : bytes
  return new Response(body, { status: 200, headers: { ...headers, 'content-length': String(bytes.length) } })
}

export function text(status: number, words: string): Response {
  return new Response(`${words}\n`, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...SECURITY_HEADERS },
  })
}

async function takeDrop(request: Request, { drop, largest = LARGEST_FILE }: SiteOptions): Promise<Response> {
  const name = fileName(request.headers.get(DROP_NAME))
  if (name === null) return text(400, `The header ${DROP_NAME} must name the file.`)
  const bytes = await readUpTo(request.body, largest)
  // A scan that somebody wanted screened and that was not is a bag to be searched, not a message that passes.
  const content =
    bytes === null ? { unreadable: `The file is larger than ${String(Math.floor(largest / 2 ** 20))} MB.` } : { bytes }
  const answer = await drop(name, content)
  const status = bytes === null ? 413 : answer.result === 'refused' ? 503 : 200
  return Response.json(answer, { status, headers: { 'cache-control': 'no-store' } })
}

function fileName(header: string | null): string | null {
  if (header === null || header === '') return null
  try {
    return decodeURIComponent(header)
  } catch {
    return null
  }
}

/** The body's bytes, or null when there are more than `most`. The rest is still read (and dropped), so that the answer arrives. */
async function readUpTo(body: ReadableStream<Uint8Array> | null, most: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = []
  let length = 0
  if (body) {
    for await (const chunk of body) {
      length += chunk.length
      if (length <= most) chunks.push(chunk)
      else chunks.length = 0
    }
  }
  return length <= most ? Buffer.concat(chunks) : null
}
