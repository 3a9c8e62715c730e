// The served station as a browser, a foreign page, and somebody on the network meet it: real HTTP and WebSocket on loopback.
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/websocket'
import { os } from '@orpc/server'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { DROP_NAME, PATHS, type DropAnswer } from '../../../src/shared/bridge'
import { OneTime } from '../../../src/main/serve/one-time'
import { serve, type Served } from '../../../src/main/serve/server'
import { createSite } from '../../../src/main/serve/site'
import type { ArrivedScan, BagImage } from '../../../src/main/station/ports'

const SCAN = Buffer.from('not really a picture, but these very bytes')
const router = { add: os.handler(() => 'pong') }
let folder: string
let served: Served
let cookie: string
const dropped: { name: string; content: ArrivedScan['content'] }[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lanescope-site-'))
  await mkdir(join(folder, 'site/assets'), { recursive: true })
  await writeFile(join(folder, 'site/index.html'), '<!doctype html><title>Lanescope</title>')
  await writeFile(join(folder, 'site/assets/app.js'), 'console.log(1)')
  await writeFile(join(folder, 'site/assets/app.js.map'), 'source')
  await writeFile(join(folder, 'secret.txt'), 'secret')
  const find = (path: string): Promise<BagImage | null> => {
    if (path === PATHS.scan(17)) return Promise.resolve({ bytes: SCAN, type: 'image/jpeg' })
    if (path === PATHS.scan(13)) return Promise.reject(new Error('The archived scan is damaged.'))
    return Promise.resolve(null)
  }
  const site = await createSite({
    files: join(folder, 'site'),
    images: { at: find, find: (kind, id) => find(`/${kind}/${id}`) },
    drop: (name, content) => {
      dropped.push({ name, content })
      return Promise.resolve({ result: 'received', why: null })
    },
    largest: 1000,
  })
  served = await serve({ site, router, port: 0 })
  const welcome = await get(new URL(served.url).pathname + new URL(served.url).search, { cookie: null })
  cookie = welcome.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
})
afterAll(async () => {
  await served.stop()
  await rm(folder, { recursive: true })
})

interface Got {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}
/** A raw request: unlike fetch, it sends Host, Origin and the path exactly as given. */
function get(
  path: string,
  options: { cookie?: string | null; headers?: Record<string, string>; method?: string; body?: Uint8Array } = {},
): Promise<Got> {
  const jar = options.cookie === undefined ? cookie : options.cookie
  const sent: RequestOptions = {
    host: '127.0.0.1',
    port: served.port,
    path,
    method: options.method ?? 'GET',
    headers: { ...(jar === null ? {} : { cookie: jar }), ...options.headers },
  }
  return new Promise((resolve, reject) => {
    const asked = request(sent, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    asked.on('error', reject)
    asked.end(options.body)
  })
}
const own = (): string => `http://127.0.0.1:${served.port}`

/** Status of a WebSocket upgrade: 101 when it is taken. */
function upgrade(headers: Record<string, string>, path: string = PATHS.socket): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${served.port}${path}`, { headers })
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      socket.close()
      resolve(101)
    })
    socket.on('unexpected-response', (_request, response) => {
      response.destroy()
      resolve(response.statusCode ?? 0)
    })
    socket.on('error', reject)
  })
}

describe('the token', () => {
  it('is exchanged for a cookie that no script and no other site gets', async () => {
    const { pathname, search } = new URL(served.url)
    const welcome = await get(pathname + search, { cookie: null })
    expect(welcome.status).toBe(303)
    expect(welcome.headers.location).toBe('/')
    expect(welcome.headers['set-cookie']).toEqual([
      expect.stringMatching(/^lanescope-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/),
    ])
    expect(welcome.headers['set-cookie']?.[0]).not.toContain(new URL(served.url).searchParams.get('token'))
    expect((await get('/')).status).toBe(200)
  })

  it('has at least 256 bits', () => expect(new URL(served.url).searchParams.get('token')).toMatch(/^[\w-]{43}$/))

  it.each([
    ['no cookie', null],
    ['an empty cookie', ''],
    ['a wrong cookie', 'lanescope=1'],
    ["the right cookie's name with no value", () => `${cookie.split('=')[0] ?? ''}=`],
    ["the right cookie's name with another value", () => `${cookie.split('=')[0] ?? ''}=${'A'.repeat(43)}`],
    ["the right cookie's value cut short", () => cookie.slice(0, -1)],
  ])('%s opens nothing: neither page, picture, drop, pass nor contract', async (_what, given) => {
    const headers = { origin: own() }
    const jar = typeof given === 'function' ? given() : given
    for (const path of ['/', '/index.html', PATHS.scan(17), PATHS.heatmap(1), PATHS.pass])
      expect((await get(path, { cookie: jar })).status).toBe(401)
    expect((await get(PATHS.drop, { cookie: jar, method: 'POST', headers, body: SCAN })).status).toBe(401)
    expect(await upgrade({ ...headers, ...(jar === null ? {} : { cookie: jar }) })).toBe(401)
  })

  it('the cookie of the right name with another value opens nothing', async () => {
    const jar = `lanescope-${served.port}=${'A'.repeat(43)}`
    expect((await get('/', { cookie: jar })).status).toBe(401)
    expect(await upgrade({ origin: own(), cookie: jar })).toBe(401)
  })

  it('an address for one use opens the station once, and not once another was given out', async () => {
    const ask = async (url: string): Promise<number> => {
      const { pathname, search } = new URL(url)
      return (await get(pathname + search, { cookie: null })).status
    }
    const first = served.onceUrl()
    expect(new URL(first).searchParams.get('token')).toMatch(/^[\w-]{43}$/)
    expect(first).not.toContain(new URL(served.url).searchParams.get('token'))
    expect([await ask(first), await ask(first)]).toEqual([303, 401])
    const [void_, last] = [served.onceUrl(), served.onceUrl()]
    expect([await ask(void_), await ask(last), await ask(served.url)]).toEqual([401, 303, 303])
  })

  it('an address for one use is worth nothing after two minutes', () => {
    let now = 0
    const once = new OneTime(() => now)
    const code = once.issue()
    now = 120_001
    expect(once.take(code)).toBe(false)
    expect(new OneTime().take('')).toBe(false)
  })

  it.each(['x', '', 'A'.repeat(43)])('the token "%s" is refused', async (token) => {
    const answer = await get(`/?token=${token}`, { cookie: null })
    expect(answer.status).toBe(401)
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(answer.body.toString()).toContain('Open the one that Lanescope printed')
  })

  it('opens nothing but the front door, and not by upgrade', async () => {
    const { search } = new URL(served.url)
    expect((await get(`${PATHS.scan(17)}${search}`, { cookie: null })).status).toBe(401)
    expect(await upgrade({ origin: own() }, `${PATHS.socket}${search}`)).toBe(401)
  })

  it("another station's cookie does not do here", async () => {
    const value = cookie.split('=')[1] ?? ''
    expect((await get('/', { cookie: `lanescope-1=${value}` })).status).toBe(401)
    expect((await get('/', { cookie: `lanescope-1=x; ${cookie}` })).status).toBe(200)
  })
})

describe('foreign pages', () => {
  it('a foreign Host (DNS rebinding) is refused, cookie or not', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${served.port}`,
      '127.0.0.1',
      `127.0.0.1:${served.port + 1}`,
      `0.0.0.0:${served.port}`,
    ]) {
      expect((await get('/', { headers: { host } })).status).toBe(421)
      expect((await get(`/${new URL(served.url).search}`, { cookie: null, headers: { host } })).status).toBe(421)
      expect(await upgrade({ host, cookie, origin: `http://${host}` })).toBe(421)
    }
    expect((await get('/', { headers: { host: `localhost:${served.port}` } })).status).toBe(200)
  })

  it('a foreign Origin is refused, cookie or not', async () => {
    const foreign = [
      'http://evil.example',
      'null',
      'https://127.0.0.1',
      `http://127.0.0.1:${served.port + 1}`,
      `http://localhost:${served.port}`,
    ]
    for (const origin of foreign) {
      expect((await get(PATHS.scan(17), { headers: { origin } })).status).toBe(403)
      expect((await get(PATHS.drop, { method: 'POST', headers: { origin, [DROP_NAME]: 'a.jpg' }, body: SCAN })).status).toBe(403)
      expect(await upgrade({ cookie, origin })).toBe(403)
    }
  })

  it('pictures embedded by a page of another port are refused, though the browser sends the cookie to its own site', async () => {
    for (const site of ['same-site', 'cross-site']) {
      const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' }
      expect((await get(PATHS.scan(17), { headers })).status).toBe(403)
    }
    const own = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'no-cors' }
    expect((await get(PATHS.scan(17), { headers: own })).status).toBe(200)
    // a link to the station may be followed from anywhere
    expect((await get('/', { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } })).status).toBe(200)
  })

  it('upgrades and posts without an Origin are refused: no browser sends them so', async () => {
    expect(await upgrade({ cookie })).toBe(403)
    expect((await get(PATHS.drop, { method: 'POST', headers: { [DROP_NAME]: 'a.jpg' }, body: SCAN })).status).toBe(403)
    expect(dropped).toHaveLength(0)
  })
})

describe('the network', () => {
  it('cannot connect: nothing but 127.0.0.1 is bound', async () => {
    const others = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .filter(({ address }) => address !== '127.0.0.1')
      .map(({ address, family, scopeid }) => (family === 'IPv6' && scopeid ? `${address}%${scopeid}` : address))
    // 127.0.0.2 is loopback, too, but not ours: there is always one to try
    for (const host of ['127.0.0.2', ...others]) {
      const code = await new Promise((resolve) => {
        const socket = connect(served.port, host, () => {
          socket.destroy()
          resolve('connected')
        })
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      })
      expect(code, host).not.toBe('connected')
    }
  })
})

describe('answers', () => {
  it('every one forbids framing, sniffing, referrers and everything that is not from here', async () => {
    const answers = [
      await get('/'),
      await get('/nothing'),
      await get(PATHS.scan(17)),
      await get('/', { cookie: null }),
      await get('/?token=x'),
    ]
    for (const { headers } of answers) {
      const policy = new Map(
        (headers['content-security-policy'] as string).split('; ').map((part) => [part.split(' ')[0], part.split(' ').slice(1)]),
      )
      expect(policy.get('default-src')).toEqual(["'none'"])
      expect(policy.get('script-src')).toEqual(["'self'"])
      expect(policy.get('style-src')).toEqual(["'self'"])
      expect(policy.get('connect-src')).toEqual(["'self'"])
      expect(policy.get('frame-ancestors')).toEqual(["'none'"])
      expect([...policy.values()].flat().filter((source) => /http|ws|\*|unsafe/.test(source))).toEqual([])
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('no-referrer')
      expect(headers['cross-origin-opener-policy']).toBe('same-origin')
      expect(headers['cross-origin-resource-policy']).toBe('same-origin')
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/assets/../../secret.txt',
    '/..%2fsecret.txt',
    '/assets/..\\..\\secret.txt',
    '//etc/passwd',
    '/assets',
    '/assets/app.js.map',
    '/%00',
    '/scan/../scan/17',
  ])('%s leads nowhere', async (path) => {
    const answer = await get(path)
    expect(answer.body.toString()).not.toMatch(/secret|root:|source/)
    if (path !== '/scan/../scan/17') expect(answer.status).toBe(404)
  })

  it('gives a picture by id, kept privately and asked for again by its tag', async () => {
    const first = await get(PATHS.scan(17))
    expect(first.status).toBe(200)
    expect(first.body).toEqual(SCAN)
    expect(first.headers['content-type']).toBe('image/jpeg')
    expect(first.headers['cache-control']).toBe('private, no-cache')
    const again = await get(PATHS.scan(17), { headers: { 'if-none-match': first.headers.etag ?? '' } })
    expect(again.status).toBe(304)
    expect(again.body).toHaveLength(0)
    expect((await get(PATHS.scan(17), { method: 'HEAD' })).body).toHaveLength(0)
  })

  it('says what is wrong: no such bag, a damaged archive, a wrong method', async () => {
    expect((await get(PATHS.scan(18))).status).toBe(404)
    const damaged = await get(PATHS.scan(13))
    expect(damaged.status).toBe(500)
    expect(damaged.body.toString()).toBe('The archived scan is damaged.\n')
    expect((await get('/', { method: 'DELETE', headers: { origin: own() } })).status).toBe(405)
  })
})

describe('a dropped file', () => {
  const drop = (body: Uint8Array, name?: string): Promise<Got> =>
    get(PATHS.drop, {
      method: 'POST',
      headers: { origin: own(), ...(name === undefined ? {} : { [DROP_NAME]: encodeURIComponent(name) }) },
      body,
    })

  it('is handed over whole, under its own name', async () => {
    const answer = await drop(SCAN, 'bag “1” 🧳.jpg')
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body.toString()) as DropAnswer).toEqual({ result: 'received', why: null })
    expect(dropped.at(-1)).toEqual({ name: 'bag “1” 🧳.jpg', content: { bytes: SCAN } })
  })

  it('that is too large becomes a bag nobody could read, and is answered as too large', async () => {
    const answer = await drop(Buffer.alloc(5000), 'large.tif')
    expect(answer.status).toBe(413)
    expect(dropped.at(-1)?.content).toEqual({ unreadable: expect.stringContaining('larger than') as string })
  })

  it('needs a name', async () => {
    const before = dropped.length
    expect((await drop(SCAN)).status).toBe(400)
    expect(
      (await get(PATHS.drop, { method: 'POST', headers: { origin: own(), [DROP_NAME]: '%E0%A4%A' }, body: SCAN })).status,
    ).toBe(400)
    expect(dropped).toHaveLength(before)
  })
})

describe('the contract', () => {
  it('answers over the WebSocket, to two windows at once', async () => {
    const ask = async (): Promise<unknown> => {
      const socket = new WebSocket(`ws://127.0.0.1:${served.port}${PATHS.socket}`, { headers: { cookie, origin: own() } })
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
      const client: { add: () => Promise<unknown> } = createORPCClient(
        new RPCLink({ websocket: socket as unknown as globalThis.WebSocket }),
      )
      const answer = await client.add()
      socket.close()
      return answer
    }
    expect(await Promise.all([ask(), ask()])).toEqual(['pong', 'pong'])
  })

  it('is at its own path only, and drops whoever sends too much', async () => {
    expect(await upgrade({ cookie, origin: own() }, '/elsewhere')).toBe(404)
    const socket = new WebSocket(`ws://127.0.0.1:${served.port}${PATHS.socket}`, { headers: { cookie, origin: own() } })
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    const code = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => undefined)
    socket.send(Buffer.alloc(2 << 20))
    expect(await code).toBe(1009)
  })

  it('closes its windows and its port when the station stops', async () => {
    const site = await createSite({
      files: join(folder, 'site'),
      images: { at: () => Promise.resolve(null), find: () => Promise.resolve(null) },
      drop: () => Promise.reject(new Error()),
    })
    const other = await serve({ site, router, port: 0 })
    const welcome = await fetch(other.url, { redirect: 'manual' })
    const jar = welcome.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const socket = new WebSocket(`ws://127.0.0.1:${other.port}${PATHS.socket}`, {
      headers: { cookie: jar, origin: `http://127.0.0.1:${other.port}` },
    })
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await other.stop()
    expect(await closed).toBe(1001)
    await expect(fetch(`http://127.0.0.1:${other.port}/`)).rejects.toThrow()
  })

  it('says plainly that a port is taken', async () => {
    const site = await createSite({
      files: join(folder, 'site'),
      images: { at: () => Promise.resolve(null), find: () => Promise.resolve(null) },
      drop: () => Promise.reject(new Error()),
    })
    await expect(serve({ site, router, port: served.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

it('does not start without the built screens', async () => {
  await expect(
    createSite({
      files: folder,
      images: { at: () => Promise.resolve(null), find: () => Promise.resolve(null) },
      drop: () => Promise.reject(new Error()),
    }),
  ).rejects.toThrow('The screens are not built')
})
