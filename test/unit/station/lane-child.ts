// A whole station in a process of its own, for tests that kill it: hot folder, real store, real inference process.
// Arguments: feed folder, data folder, model folder, inference entry. One line on stdout for every bag event: `<id> <verdict or received>`.
import { HotFolder } from '../../../src/main/feed/hot-folder'
import { startInference } from '../../../src/main/inference/client'
import { findModel } from '../../../src/main/inference/model-files'
import { nodeSpawn } from '../../../src/main/inference/node-spawn'
import { createStation } from '../../../src/main/station/station'
import { openStore } from '../../../src/main/store'

const [feed = '', data = '', models = '', entry = ''] = process.argv.slice(2)
const model = findModel(models)
const store = openStore({ folder: data })
const inference = startInference({ spawn: nodeSpawn(entry), manifest: model.manifest, modelPath: model.modelPath })
const station = createStation({ ...store, inference, renditions: inference, clock: { now: () => Date.now() }, keepClear: 3 })
const folder = new HotFolder({ lane: 'north', directory: feed, settleMs: 20, patienceMs: 200, sweepMs: 300 })
const events = station.events()
await events.next()
await station.start()
await folder.start(station.submit)
for await (const event of events)
  if (event.type === 'bag') process.stdout.write(`${event.bag.id} ${event.bag.verdict ?? 'received'}\n`)
