// Writes into a data folder without end, for tests that stop it at any moment. Argument: the folder. Prints the id of every bag with a verdict.
import { openStore } from '../../../src/main/store'
import { firstCalibration, firstPolicy } from '../../../src/domain/first-policy'
import { manifest } from '../domain/manifest'
import { record } from './screened'

const store = openStore({ folder: process.argv[2] ?? '' })
store.policies.saveCalibration(firstCalibration(manifest, 1))
for (let i = 0; ; i += 1) {
  const { id } = store.log.receive({
    lane: 'n',
    path: `/feed/${i}.png`,
    content: { sha256: `${i}` },
    kept: i % 3 > 0,
    receivedAt: i,
  })
  store.log.finish(id, record(i % 5 ? 'clear' : 'alarm', i % 5 ? {} : { gun: 'alarm' }))
  if (i % 5 === 0) store.log.decide(id, { action: 'search', person: 'Ada', reason: null, at: i, seconds: 1 })
  if (i % 7 === 0) store.log.review(id, { kind: 'unsure', found: [], comment: null, person: 'Bo', at: i })
  if (i % 40 === 0) store.policies.save({ ...firstPolicy(manifest, 1, i), author: 'Cy', reason: `${i}` })
  store.state.save('sketch', new Uint8Array([i & 255]))
  process.stdout.write(`${id}\n`)
  // lets timers run: the head beside the key
  await new Promise((resolve) => setImmediate(resolve))
}
