// `npm run mutate -- [room [file …]]`: puts small faults in, one by one, and sees whether a test notices (Stryker). Not in CI: hours.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { ROOMS } from '../test/mutation/rooms.ts'

const [named, ...files] = process.argv.slice(2)
const rooms = Object.entries(ROOMS).filter(([name]) => named === undefined || name === named)
if (rooms.length === 0) {
  console.error(`No such room: ${named ?? ''}. Rooms: ${Object.keys(ROOMS).join(', ')}`)
  process.exit(64)
}
const stryker = resolve(import.meta.dirname, '../node_modules/@stryker-mutator/core/bin/stryker.js')
let failed = false
for (const [name, room] of rooms) {
  const mutate = (files.length > 0 ? files : room.mutate).join(',')
  const incremental = ['--incremental', '--incrementalFile', `.cache/mutation/${name}.json`]
  const run = spawnSync(process.execPath, [stryker, 'run', '--mutate', mutate, ...incremental], {
    stdio: 'inherit',
    env: { ...process.env, MUTATE_ROOM: name },
  })
  failed ||= run.status !== 0
}
process.exit(failed ? 1 : 0)
