// The chores in a thread of its own, as the built program does them: the same answers, the caller's loop free, given up when asked to.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { doChore } from '../../../src/main/store/chores'
import { ChoreThreads } from '../../../src/main/store/threads'
import { built } from '../inference/built'
import { live } from './forger'
import { tempStore } from './make'

test('chores in a thread answer as they do here, and one that is given up rejects', async () => {
  const { entry } = await built('chores', join(import.meta.dirname, '../../../src/main/store/chore-thread.ts'))
  const { store, folder } = tempStore()
  live(store)
  const options = { folder, keyFile: join(folder, 'lanescope.key') }
  const threads = new ChoreThreads(entry, options)
  for (const chore of ['pages', 'record', 'archive', 'unfinished'] as const)
    expect(await threads.do(chore)).toEqual(await doChore(chore, options))
  expect(await threads.do('unfinished', 3)).toEqual([])
  expect(await threads.do('backup')).toContain(join(folder, 'backup'))
  const given = threads.do('record')
  const refused = expect(given).rejects.toThrow('given up')
  await threads.stop()
  await refused
}, 120_000)
