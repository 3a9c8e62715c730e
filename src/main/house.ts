// Builds the whole station for any root: store, inference, station, contract, feeds; and closes them in the opposite order.
import { hash } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { Feed, Say } from './station/ports'
import { Dropped } from './feed/dropped'
import { HotFolder } from './feed/hot-folder'
import { Replay } from './feed/replay'
import { startInference } from './inference/client'
import { chooseModel, heldOutScores } from './inference/model-files'
import type { Spawn } from './inference/protocol'
import { demoReplay, findBundled, type StartOptions } from './options'
import { createSite, type Site } from './serve/site'
import { createRouter } from './station/router'
import { createStation } from './station/station'
import type { Station } from './station/types'
import { openStore } from './store'
import { choreEntry } from './store/threads'

export interface HouseOptions {
  start: StartOptions
  /** starts the inference process: Electron's way or Node's */
  spawn: Spawn
  /** the root's `import.meta.dirname`: models, demo and the built screens are looked for from here upwards */
  from: string
  /** one line for the program's own log */
  say: Say
}
export interface House {
  station: Station
  router: ReturnType<typeof createRouter>
  site: Site
  /** Resolves when all is closed; what was received and not screened is finished at the next start. */
  stop: () => Promise<void>
}

/** Longest that closing waits for feeds and the bag in hand (a network share may never answer), ms. */
const PATIENCE = 10_000

/** Opens everything and starts to screen. Rejects in plain words: folder in use, no model, screens not built. */
export async function openHouse({ start, spawn, from, say }: HouseOptions): Promise<House> {
  const model = chooseModel(from, start.models ?? undefined)
  const screens = findBundled(from, 'renderer', 'index.html')
  if (screens === null) throw new Error('The screens are not built: run "npm run build".')
  const store = openStore({ folder: start.data, key: start.key ?? undefined, threads: choreEntry(from) })
  const closings: (() => Promise<void> | void)[] = [() => store.close()]
  try {
    const inference = startInference({ spawn, manifest: model.manifest, modelPath: model.modelPath, log: say })
    closings.unshift(() => inference.stop())
    const dropped = new Dropped()
    const feeds = makeFeeds(start, from)
    const station = createStation({
      log: store.log,
      archive: store.archive,
      policies: store.policies,
      state: store.state,
      inference,
      renditions: inference,
      clock: { now: () => Date.now() },
      lanes: () => [...feeds, ...(dropped.status().seen > 0 ? [dropped] : [])].map((feed) => feed.status()),
      heldOutScores: () => heldOutScores(model),
      caretaker: store.caretaker,
      say,
    })
    // Together: a feed may be waiting for a full queue that only the station's end releases.
    closings.unshift(() => withinPatience(Promise.all([...[...feeds, dropped].map((feed) => feed.stop()), station.stop()]), say))
    const site = await createSite({
      files: dirname(screens),
      images: station.images,
      drop: (name, content) => dropped.drop(name, content),
    })
    await station.start()
    await dropped.start(station.submit)
    // Not awaited: a share that does not answer must not keep the other lanes, or the screens, from starting.
    for (const feed of feeds) void feed.start(station.submit).catch((error: unknown) => say(`feed: ${String(error)}`, 'error'))
    return { station, router: createRouter(station), site, stop: () => closeAll(closings, say) }
  } catch (error) {
    await closeAll(closings, say)
    throw error
  }
}

function makeFeeds(start: StartOptions, from: string): Feed[] {
  const feeds: Feed[] = start.feeds.map(
    ({ lane, directory }) =>
      new HotFolder({
        lane,
        directory,
        polling: start.polling,
        memory: join(start.data, 'feeds', `${keyOf(lane, directory)}.seen`),
      }),
  )
  const demo = start.demo ? demoReplay(findBundled(from, 'resources', 'demo') ?? 'resources/demo') : null
  const replay = start.replay ?? demo
  return replay ? [...feeds, new Replay(replay)] : feeds
}

/** A file name for a lane's folder. */
const keyOf = (lane: string, directory: string): string => hash('sha256', JSON.stringify([lane, directory])).slice(0, 16)

async function closeAll(closings: (() => Promise<void> | void)[], say: Say): Promise<void> {
  for (const close of closings.splice(0)) {
    try {
      await close()
    } catch (error) {
      say(`while closing: ${error instanceof Error ? error.message : String(error)}`, 'error')
    }
  }
}

async function withinPatience(work: Promise<unknown>, say: Say): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      say(`feeds or station did not end within ${PATIENCE / 1000} s; what is unfinished is finished at the next start`, 'warn')
      resolve()
    }, PATIENCE)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
