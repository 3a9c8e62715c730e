// A restarted station and the pages that were open: the page's own code (src/renderer/state/pass.ts) against the real server.
import { os } from '@orpc/server'
import { createHmac } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openKept } from '../../../src/main/serve/kept'
import { Returning } from '../../../src/main/serve/returning'
import { serve, type Served } from '../../../src/main/serve/server'
import { createSite } from '../../../src/main/serve/site'
import { PATHS, type ServedPass } from '../../../src/shared/bridge'
import { tempFolder } from '../store/make'

const router = { add: os.handler(() => 'pong') }
const said: string[] = []
const say = (line: string): void => void said.push(line)

/** A run of the station on a data folder; `page` is its front page, so another one is another build. */
async function run(data: string, { page = 'one', port = 0 } = {}): Promise<Served> {
  const files = tempFolder()
  mkdirSync(files, { recursive: true })
  writeFileSync(join(files, 'index.html'), page)
  const nothing = () => Promise.resolve(null)
  const site = await createSite({
    files,
    images: { at: nothing, find: nothing },
    drop: () => Promise.resolve({ result: 'received', why: null }),
  })
  const served = await serve({ site, router, port, kept: openKept(data, say), say })
  onTestFinished(() => served.stop().catch(() => undefined))
  return served
}

interface Answer {
  status: number
  text: string
  cookie: string | null
}
function ask(
  port: number,
  path: string,
  options: { host?: string; origin?: string; cookie?: string; body?: string } = {},
): Promise<Answer> {
  const { host = `127.0.0.1:${port}`, cookie = '', body = '' } = options
  const { origin = `http://${host}` } = options
  const method = body === '' ? 'GET' : 'POST'
  const headers = { host, origin, ...(cookie && { cookie }), ...(body && { 'content-length': String(body.length) }) }
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => {
        const set = response.headers['set-cookie']?.[0]?.split(';')[0] ?? null
        resolve({ status: response.statusCode ?? 0, text, cookie: set })
      })
    })
    asked.on('error', reject).end(body)
  })
}
const welcome = async ({ port, url }: Served): Promise<string> => {
  const { pathname, search } = new URL(url)
  return (await ask(port, pathname + search)).cookie ?? ''
}
const passOf = async (served: Served): Promise<ServedPass> =>
  JSON.parse((await ask(served.port, PATHS.pass, { cookie: await welcome(served) })).text) as ServedPass
const nonceOf = async (port: number): Promise<string> =>
  (JSON.parse((await ask(port, PATHS.return)).text) as { nonce: string }).nonce
const proofOf = (pass: ServedPass, nonce: string, host: string): string =>
  JSON.stringify({
    id: pass.id,
    nonce,
    proof: createHmac('sha256', Buffer.from(pass.key, 'base64url')).update(`${nonce} ${host}`).digest('base64url'),
  })

describe('a page that was in', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  /** The page's code, as a browser at this station's address runs it. */
  async function page(served: Served) {
    let cookie = await welcome(served)
    const location = { host: `127.0.0.1:${served.port}`, reload: vi.fn() }
    vi.stubGlobal('location', location)
    vi.stubGlobal('fetch', async (path: string, init: { body?: string } = {}) => {
      const answer = await ask(served.port, path, { cookie, ...(init.body === undefined ? {} : { body: init.body }) })
      cookie = answer.cookie ?? cookie
      return new Response(answer.text, { status: answer.status })
    })
    const { keepPass, comeBack } = await import('../../../src/renderer/state/pass')
    await keepPass()
    return { comeBack, location, isIn: async () => (await ask(served.port, '/', { cookie })).status === 200 }
  }

  test('is out after a restart, and comes back by itself at the same port', async () => {
    const data = tempFolder()
    const first = await run(data)
    const { comeBack, isIn, location } = await page(first)
    await first.stop()
    const second = await run(data)
    expect(second.port).toBe(first.port)
    expect(await isIn()).toBe(false)
    expect(await comeBack()).toBe(true)
    expect(await isIn()).toBe(true)
    expect(location.reload).not.toHaveBeenCalled()
    await second.stop()
    await run(data)
    expect(await comeBack()).toBe(true) // and again
  })

  test('is loaded anew where the screens are another build', async () => {
    const data = tempFolder()
    const first = await run(data)
    const { comeBack, location } = await page(first)
    await first.stop()
    await run(data, { page: 'two' })
    expect(await comeBack()).toBe(true)
    expect(location.reload).toHaveBeenCalledOnce()
  })

  test('does not come back to a station with another data folder', async () => {
    const first = await run(tempFolder())
    const { comeBack, isIn } = await page(first)
    await first.stop()
    await run(tempFolder(), { port: first.port })
    expect(await comeBack()).toBe(false)
    expect(await isIn()).toBe(false)
  })
})

describe('who was not in', () => {
  test('gets neither pass nor cookie, whatever is sent', async () => {
    const { port } = await run(tempFolder())
    expect((await ask(port, PATHS.pass)).status).toBe(401)
    const nonce = await nonceOf(port)
    for (const body of ['x', '{}', JSON.stringify({ id: '', nonce, proof: '' }), JSON.stringify({ id: 1, nonce, proof: nonce })])
      expect(await ask(port, PATHS.return, { body })).toMatchObject({ status: 401, cookie: null })
    expect((await ask(port, PATHS.return, { body: 'x'.repeat(5000) })).status).toBe(413)
  })

  test('a proof holds once, and not after the run that gave its nonce', async () => {
    const data = tempFolder()
    const first = await run(data)
    const [pass, host] = [await passOf(first), `127.0.0.1:${first.port}`]
    const body = proofOf(pass, await nonceOf(first.port), host)
    expect((await ask(first.port, PATHS.return, { body })).status).toBe(200)
    expect(await ask(first.port, PATHS.return, { body })).toMatchObject({ status: 401, cookie: null })
    const unused = proofOf(pass, await nonceOf(first.port), host)
    await first.stop()
    const second = await run(data)
    expect((await ask(second.port, PATHS.return, { body: unused })).status).toBe(401)
  })

  test('a proof got out of a page on a stolen port opens no station on another', async () => {
    const data = tempFolder()
    const first = await run(data)
    const pass = await passOf(first)
    await first.stop()
    // another program takes the port; the station goes elsewhere, and the thief passes its nonce on to the page
    const thief = createServer().listen(first.port, '127.0.0.1')
    onTestFinished(() => void thief.close())
    await new Promise((resolve) => thief.once('listening', resolve))
    const second = await run(data)
    expect(second.port).not.toBe(first.port)
    const body = proofOf(pass, await nonceOf(second.port), `127.0.0.1:${first.port}`)
    expect(await ask(second.port, PATHS.return, { body })).toMatchObject({ status: 401, cookie: null })
  })

  test('a foreign page, a foreign name and the name localhost are refused', async () => {
    const served = await run(tempFolder())
    const pass = await passOf(served)
    const { port } = served
    const body = async (host: string): Promise<string> => proofOf(pass, await nonceOf(port), host)
    const own = `127.0.0.1:${port}`
    expect((await ask(port, PATHS.return, { body: await body(own), origin: 'http://evil.example' })).status).toBe(403)
    expect((await ask(port, PATHS.return, { body: await body('evil.example'), host: 'evil.example' })).status).toBe(421)
    expect((await ask(port, PATHS.return, { body: await body(`localhost:${port}`), host: `localhost:${port}` })).status).toBe(401)
  })

  test('a nonce that lay too long does not hold', () => {
    let now = 0
    const returning = new Returning(Buffer.alloc(32, 1), () => now)
    const pass = { ...returning.pass(), build: '' }
    const [early, late] = [returning.nonce(), returning.nonce()].map(
      (nonce) => JSON.parse(proofOf(pass, nonce, 'h')) as Parameters<Returning['accepts']>[0],
    )
    now = 29_000
    expect(early && returning.accepts(early, 'h')).toBe(true)
    now = 31_000
    expect(late && returning.accepts(late, 'h')).toBe(false)
  })
})

test('what is kept is for the owner alone, survives damage, and a port that is taken is given up', () => {
  const data = tempFolder()
  const file = join(data, 'served.json')
  openKept(data, say).keepPort(1234)
  const { key } = openKept(data, say)
  expect(openKept(data, say)).toMatchObject({ port: 1234, key })
  if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 20))
  expect(openKept(data, say).port).toBeNull()
  expect(openKept(data, say).key).not.toEqual(key)
  openKept(join(data, 'not', 'there'), say).keepPort(1)
  expect(said.at(-1)).toContain('could not be kept')
})
