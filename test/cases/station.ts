// A built station on an empty feed, and the demo scans that the cases are made of: all inputs are generated here, so that a fresh clone has them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { ensureBuilt, root } from '../electron/built'
import { rows, startStation, until, type Row } from '../unit/serve/station-process'

const demo = (n: number): Buffer => readFileSync(join(root, `resources/demo/bag-${String(n).padStart(4, '0')}.jpg`))
/** A simulated bag with a gun, in alarm by the shipped model, and a clear one. */
export const THREAT = demo(9)
export const CLEAR = demo(1)
export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A station that runs on `feed` until the test ends. `settled` resolves to its rows once there are `count`, all judged, and no more come. */
export async function stationOn(): Promise<{ feed: string; settled: (count: number) => Promise<Row[]> }> {
  await ensureBuilt()
  const folder = mkdtempSync(join(tmpdir(), 'lanescope-case-'))
  const [feed, data] = [join(folder, 'feed'), join(folder, 'data')]
  mkdirSync(feed)
  const station = startStation(['--feed', `north=${feed}`, '--data', data, '--headless'])
  onTestFinished(async () => {
    station.child.kill('SIGTERM')
    await station.ended
    rmSync(folder, { recursive: true, force: true })
  })
  await station.url
  const judged = (count: number): boolean => {
    const found = rows(data)
    return found.length >= count && found.every(({ verdict }) => verdict !== null)
  }
  return {
    feed,
    settled: async (count) => {
      await until(() => {
        if (!judged(count)) throw new Error(`${rows(data).length} of ${count} rows`)
      }, 120_000)
      await wait(7000)
      return rows(data)
    },
  }
}
