// Entry of the inference process: under Electron a utilityProcess, under Node a fork. Answers one request after the other.
import sharp from 'sharp'
import type { ModelManifest } from '../../shared/manifest'
import { BadScan } from './bad-scan'
import { overlay } from './heatmap'
import { peaksOverScales } from './over-scales'
import { lossless, thumbnail } from './pictures'
import type { Reply, Request } from './protocol'
import { heatmapOf, screen } from './screen'
import { openNetwork, type Network } from './session'

/** What Electron's `process.parentPort` offers; this room may not import Electron's types. */
interface ParentPort {
  on(event: 'message', listener: (event: { data: unknown }) => void): void
  postMessage(message: unknown): void
}

let opened: [Network, ModelManifest] | null = null
const open = (): [Network, ModelManifest] => {
  if (opened === null) throw new Error('The model is not open yet.')
  return opened
}

async function answer(request: Request): Promise<Extract<Reply, { ok: true }>['value']> {
  switch (request.kind) {
    case 'open': {
      if (!request.alone) sharp.concurrency(1)
      const network = await openNetwork(request.manifest, request.modelPath, request)
      opened = [network, request.manifest]
      return { provider: network.provider, note: network.note }
    }
    case 'screen':
      return screen(request.bytes, ...open(), request.heatFrom)
    case 'heatmap':
      return heatmapOf(request.bytes, ...open())
    case 'peaks':
      return peaksOverScales(request.bytes, ...open())
    case 'thumbnail':
      return thumbnail(request.bytes)
    case 'lossless':
      return lossless(request.bytes)
    case 'overlay':
      return overlay(request.bytes, request.heatmap, request.tile)
  }
}

async function reply(request: Request): Promise<Reply> {
  try {
    return { id: request.id, ok: true, value: await answer(request) }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    // What is not a BadScan or a refused model is a fault of ours; the bag is unscreenable all the same, and says so.
    return {
      id: request.id,
      ok: false,
      reason: error instanceof BadScan || request.kind === 'open' ? why : `Screening failed: ${why}`,
    }
  }
}

// Scans never come twice, so libvips' cache of operations would only hold memory.
sharp.cache(false)

const { parentPort } = process as unknown as { parentPort?: ParentPort }
let last = Promise.resolve()
const take = (message: unknown): void => {
  last = last.then(async () => send(await reply(message as Request)))
}
const send = (message: Reply): void => {
  if (parentPort !== undefined) parentPort.postMessage(message)
  else process.send?.(message)
}
if (parentPort !== undefined) parentPort.on('message', ({ data }) => take(data))
else {
  process.on('message', take)
  // The parent is gone, however it went: nobody will hear an answer.
  process.on('disconnect', () => process.exit(0))
  // Ctrl+C reaches the whole group; the parent decides when this process ends.
  process.on('SIGINT', () => undefined)
}
