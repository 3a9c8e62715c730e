// The bar that long commands show on a terminal; stdout stays the command's own.
import { SingleBar } from 'cli-progress'

/** Null where nobody would see it: no terminal, or one scan only. The caller stops it. */
export function progressBar(total: number): SingleBar | null {
  if (!process.stderr.isTTY || total < 2) return null
  const bar = new SingleBar({
    stream: process.stderr,
    format: '{bar} {value}/{total} scans, {eta_formatted} left',
    hideCursor: true,
    clearOnComplete: true,
  })
  bar.start(total, 0)
  return bar
}
