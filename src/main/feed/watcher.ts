// Hears of changes below a folder early. A nudge, never the truth: the sweep finds whatever a watcher misses.
import { watch } from 'chokidar'
import { basename } from 'node:path'
import { isLeftAlone } from '../../domain/scan/names'
import { codeOf } from '../../domain/scan/words'

export interface WatchEvents {
  /** a file of this path appeared, changed or went */
  file: (path: string) => void
  /** something about folders changed, or the watcher has just begun: look everywhere */
  everything: () => void
  /** the watcher cannot go on; why, in plain words */
  failed: (why: string) => void
}
export type Watch = (directory: string, events: WatchEvents) => { close(): Promise<void> }

/** The system is out of watches or handles: polling needs neither. */
const EXHAUSTED: Record<string, string> = {
  ENOSPC: "the system's limit of file watches is used up",
  EMFILE: "this process's limit of open files is used up",
  ENFILE: "the system's limit of open files is used up",
  ENOSYS: 'this file system reports no changes',
  EOPNOTSUPP: 'this file system reports no changes',
}

export const nativeWatch: Watch = (directory, events) => {
  const watcher = watch(directory, {
    ignoreInitial: true,
    followSymlinks: false,
    ignorePermissionErrors: true,
    atomic: false,
    backend: 'native',
    ignored: (path) => path !== directory && isLeftAlone(basename(path)),
  })
  // A name that is not valid text arrives mangled: only a look at everything, by bytes, finds the file.
  const file = (path: string): void => (path.includes('\uFFFD') ? events.everything() : events.file(path))
  watcher
    .on('add', file)
    .on('change', file)
    .on('unlink', file)
    // chokidar tells nothing of a file that it can't look at by its mangled name, but the system's own event names it
    .on('raw', (_event, path: string | null) => path?.includes('\uFFFD') === true && events.everything())
    .on('addDir', events.everything)
    .on('unlinkDir', events.everything)
    .on('ready', events.everything)
    .on('error', (error) => {
      const why = EXHAUSTED[codeOf(error)]
      if (why === undefined) events.everything()
      else events.failed(why)
    })
  return watcher
}
