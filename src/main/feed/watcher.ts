// Hears of changes below a folder early. A nudge, never the truth: the sweep finds whatever a watcher misses.
import { watch } from 'chokidar'
import { statfs } from 'node:fs/promises'
import { basename } from 'node:path'
import { isHidden } from './names'
import { codeOf } from './walk'

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
    ignored: (path) => path !== directory && isHidden(basename(path)),
  })
  watcher
    .on('add', events.file)
    .on('change', events.file)
    .on('unlink', events.file)
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

const NETWORK = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x65735546, 'FUSE'],
  [0x01021997, '9P'],
])
/** The network file system that a folder lies on (Linux), or null: such file systems don't report what other machines write. */
export async function networkFileSystem(directory: string): Promise<string | null> {
  if (process.platform !== 'linux') return null
  try {
    return NETWORK.get((await statfs(directory)).type >>> 0) ?? null
  } catch {
    return null
  }
}
