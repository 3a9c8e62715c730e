// The feed's eyes: takes note of how each file looks, and of what went. Reads no scan.
import { basename } from 'node:path'
import { nameKind, textOfValidName } from '../../domain/scan/names'
import { codeOf, plainWords } from '../../domain/scan/words'
import { lookAt, type Look, type Looked } from '../files/look'
import { walk, type Found } from '../files/walk'
import { lookAtRoot } from './root'
import type { Shelf } from './shelf'

/** Files whose state is asked for at once. */
const AT_ONCE = 32

/** What a look at everything brought. */
export interface Swept {
  /** sub-folders that could not be read, each in a sentence */
  unreadable: string[]
  /** the folder is another one than at the last sweep: a watcher is deaf to it */
  moved: boolean
}

export class Looking {
  constructor(
    private readonly directory: string,
    private readonly shelf: Shelf,
    private readonly stopped: AbortSignal,
  ) {}

  /** Looks at every file, and notices what went. Rejects when the folder itself cannot be read. */
  async sweep(): Promise<Swept> {
    const { shelf } = this
    const sweep = ++shelf.begun
    const from = shelf.now
    const moved = shelf.root.take(await lookAtRoot(this.directory), shelf.unused)
    const { files, unreadable, leftAlone } = await walk(this.directory)
    for (let at = 0; at < files.length && !this.stopped.aborted; at += AT_ONCE)
      await Promise.all(files.slice(at, at + AT_ONCE).map((file) => this.observe(file, true)))
    if (this.stopped.aborted) return { unreadable: [], moved }
    shelf.settling.sweepEnded(from, shelf.now)
    const present = new Map(files.map((file) => [file.path, file]))
    await shelf.sorting.sweepEnded(present, leftAlone, shelf.now)
    // Files below a folder that could not be read are not known to be gone.
    if (unreadable.length === 0) this.#forget(present)
    shelf.ended = sweep
    return {
      unreadable: unreadable.map(({ path, error }) => `The folder ${path} cannot be read: ${plainWords(error)}`),
      moved,
    }
  }

  /** Looks at a file of which a watcher told. */
  async nudged(path: string): Promise<void> {
    await this.observe({ path: textOfValidName(path), name: basename(path), at: path })
  }

  /** Takes note of how a file looks now. */
  async observe(file: Found, inSweep = false): Promise<void> {
    const { shelf } = this
    let looked: Looked
    try {
      looked = await lookAt(file.at, shelf.root.look?.real ?? this.directory)
    } catch (error) {
      // It is there, but even its size is withheld: keep trying, then hand it over as unreadable.
      const kind = nameKind(file.name)
      if (kind === 'scan' || kind === 'other') shelf.settling.note(file, `look:${codeOf(error)}`, shelf.now, inSweep)
      return
    }
    if (looked === 'gone') this.gone(file.path)
    else if (looked === 'outside') {
      shelf.settling.drop(file.path)
      shelf.sorting.linkOutside(file.path)
    } else if ((await shelf.sorting.kindOf(file, looked, shelf.now)) === 'scan') this.#scan(file, looked, inSweep)
    else shelf.settling.drop(file.path)
  }

  /** A path that holds no file any more. What waited there is lost. */
  gone(path: string): void {
    this.shelf.sorting.forget(path)
    const waiting = this.shelf.settling.drop(path)
    if (waiting && (waiting.look === null || waiting.look.size > 0))
      this.#lose(path, waiting.look, 'The file was deleted before it could be read.')
  }

  #scan(file: Found, look: Look, inSweep: boolean): void {
    const { settling, ledger, losses, memory, root, now } = this.shelf
    losses.back(file.path, look)
    const before = settling.get(file.path)?.look
    if (before && before.size > 0 && before.born !== look.born && root.look?.keepsBirth === true)
      this.#lose(file.path, before, 'The file was replaced by another one before it could be read.')
    const remembered = memory.get(file.path)
    if (ledger.get(file.path) === undefined && remembered?.signature === look.signature) {
      ledger.set(file.path, { at: file.at, signature: look.signature, look, sha256: remembered.sha256 })
      this.shelf.remembered.push(file.path)
    }
    if (ledger.get(file.path)?.signature === look.signature) settling.drop(file.path)
    else settling.note(file, look, now, inSweep)
  }

  #lose(path: string, look: Look | null, why: string): void {
    this.shelf.losses.add({ path, look, why, since: this.shelf.now, sweep: this.shelf.begun })
  }

  #forget(present: ReadonlyMap<string, Found>): void {
    const { settling, ledger, memory } = this.shelf
    for (const path of settling.paths()) if (!present.has(path)) this.gone(path)
    ledger.sweepEnded(present)
    memory.keepOnly(present)
  }
}
