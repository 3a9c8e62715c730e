// What stands in an argument list can be read by every user of the machine: the browser's command is given an address for one use, never the token.
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ensureBuilt } from '../../electron/built'
import { writeTinyModel } from '../inference/tiny-model'
import { startStation, until } from './station-process'

let folder: string
beforeAll(async () => {
  await ensureBuilt()
  folder = await mkdtemp(join(tmpdir(), 'lanescope-browser-'))
  writeTinyModel(join(folder, 'models'))
  await mkdir(join(folder, 'in'))
  await mkdir(join(folder, 'bin'))
  // stands in for xdg-open: notes its arguments, as `ps` would show them
  await writeFile(
    join(folder, 'bin/xdg-open'),
    `#!/bin/sh\nprintf '%s\\n' "$@" > '${join(folder, 'args.part')}'\nmv '${join(folder, 'args.part')}' '${join(folder, 'args')}'\n`,
  )
  await chmod(join(folder, 'bin/xdg-open'), 0o755)
}, 240_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

it.skipIf(process.platform !== 'linux')('xdg-open gets an address that works once and does not hold the token', async () => {
  const station = startStation(
    ['--feed', join(folder, 'in'), '--data', join(folder, 'data'), '--models', join(folder, 'models')],
    { env: { DISPLAY: ':9', PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` } },
  )
  try {
    const printed = await station.url
    let given = ''
    await until(async () => {
      given = (await readFile(join(folder, 'args'), 'utf8')).trim()
    })
    const token = new URL(printed).searchParams.get('token') ?? ''
    expect(new URL(given).origin).toBe(new URL(printed).origin)
    expect(given).not.toContain(token)
    const open = async (): Promise<number> => (await fetch(given, { redirect: 'manual' })).status
    expect([await open(), await open()]).toEqual([303, 401])
  } finally {
    station.child.kill('SIGTERM')
    await station.ended
  }
})
