// Entry of the thread in which the long looks at a data folder are done, so that the lane's own loop is never held up.
import { parentPort, workerData } from 'node:worker_threads'
import { doChore, type Chore, type ChoreOptions } from './chores'

const { chore, options } = workerData as { chore: Chore; options: ChoreOptions }
parentPort?.postMessage(await doChore(chore, options))
