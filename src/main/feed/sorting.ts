// What each file of the folder is, and what is left alone and why: a supervisor must be able to see that nothing of theirs is.
import { holdsPicture, kindOf, type FileKind, type LeftWhy } from '../files/kind'
import { isSameFile, type Look } from '../files/look'
import type { Found } from '../files/walk'

interface Unfinished {
  look: Look
  /** elapsed ms since which it stands still */
  since: number
  /** whether its content is a picture's; null: not looked at yet */
  picture: boolean | null
}
const MOST_NAMED = 3

export class Sorting {
  /** files whose name alone did not say */
  readonly #known = new Map<string, { signature: string; kind: FileKind }>()
  readonly #left = new Map<string, LeftWhy>()
  readonly #unfinished = new Map<string, Unfinished>()
  #folders = 0

  /** `stuckMs`: an unfinished file that stands still for this long is told of. */
  constructor(private readonly stuckMs: number) {}

  async kindOf(file: Found, look: Look, now: number): Promise<FileKind> {
    const before = this.#known.get(file.path)
    const kind = before?.signature === look.signature ? before.kind : await kindOf(file, look.size)
    this.#known.set(file.path, { signature: look.signature, kind })
    this.#note(file, look, kind, now)
    return kind
  }
  linkOutside(path: string): void {
    this.#left.set(path, 'link out of the folder')
  }
  forget(path: string): void {
    this.#known.delete(path)
    this.#left.delete(path)
    this.#unfinished.delete(path)
  }
  /** Whether a file waits here under an unfinished name. */
  has(look: Look, keepsBirth: boolean): boolean {
    return [...this.#unfinished.values()].some((u) => isSameFile(u.look, look, keepsBirth))
  }

  /** At a sweep's end: forgets what went, and looks into unfinished files that stand still. */
  async sweepEnded(present: ReadonlyMap<string, Found>, foldersLeft: number, now: number): Promise<void> {
    this.#folders = foldersLeft
    for (const path of [...this.#known.keys(), ...this.#left.keys()]) if (!present.has(path)) this.forget(path)
    for (const [path, file] of this.#unfinished) {
      const found = present.get(path)
      if (found && now - file.since >= this.stuckMs) file.picture ??= await holdsPicture(found.at)
    }
  }

  /** What may be a bag that its writer never finished: one sentence, or null. */
  stuck(now: number): string | null {
    const stuck = [...this.#unfinished].filter(([, { since, picture }]) => picture === true && now - since >= this.stuckMs)
    if (stuck.length === 0) return null
    const minutes = Math.floor((now - Math.min(...stuck.map(([, { since }]) => since))) / 60_000)
    const names = stuck.slice(0, MOST_NAMED).map(([path]) => path)
    const more = stuck.length > MOST_NAMED ? ` and ${stuck.length - MOST_NAMED} more` : ''
    return `Not screened, since their writer has not finished them for ${minutes > 0 ? `${minutes} min` : 'a while'}: ${names.join(', ')}${more}`
  }

  /** What is left alone, by reason, e.g. `3 no picture`; empty where nothing is. */
  leftAlone(now: number): string[] {
    const counts = new Map<string, number>()
    const add = (why: string, n = 1): unknown => counts.set(why, (counts.get(why) ?? 0) + n)
    for (const why of this.#left.values()) add(why)
    for (const { since, picture } of this.#unfinished.values())
      if (picture !== true || now - since < this.stuckMs) add('unfinished')
    if (this.#folders > 0) add(this.#folders === 1 ? 'hidden or system folder' : 'hidden or system folders', this.#folders)
    return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([why, n]) => `${n} ${why}`)
  }

  #note({ path }: Found, look: Look, kind: FileKind, now: number): void {
    if (kind === 'scan' || kind === 'unfinished') this.#left.delete(path)
    else this.#left.set(path, kind)
    if (kind !== 'unfinished') this.#unfinished.delete(path)
    else if (this.#unfinished.get(path)?.look.signature !== look.signature)
      this.#unfinished.set(path, { look, since: now, picture: null })
  }
}
