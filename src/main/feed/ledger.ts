// Scans that the station has: so that each is handed over once, a rename is no new bag, and a new scan under a used name is one.
import { isSameFile, type Look } from '../files/look'

export interface HandedOver {
  at: string | Buffer
  signature: string
  /** null: it could not be read, or could not even be looked at */
  look: Look | null
  sha256: string | null
}

export class Ledger {
  readonly #byPath = new Map<string, HandedOver>()
  /** paths by key, for renames */
  readonly #byKey = new Map<string, Set<string>>()
  /** missing at the last sweep already; forgotten at the next */
  #missing = new Set<string>()

  get size(): number {
    return this.#byPath.size
  }
  get(path: string): HandedOver | undefined {
    return this.#byPath.get(path)
  }
  set(path: string, scan: HandedOver): void {
    this.#delete(path)
    this.#byPath.set(path, scan)
    if (scan.sha256 === null) return
    const same = this.#byKey.get(scan.sha256) ?? new Set()
    this.#byKey.set(scan.sha256, same.add(path))
  }
  /** Whether a file was handed over, just as it was, under another name than `path`. */
  hasElsewhere(path: string, look: Look): boolean {
    return [...this.#byPath].some(([other, d]) => other !== path && d.look !== null && isSameFile(d.look, look, false))
  }
  /** Other paths under which this very file, with this content, was handed over: those of which the file system vouches that it is the same. */
  formerNames(path: string, look: Look, sha256: string, keepsBirth: boolean): string[] {
    return [...(this.#byKey.get(sha256) ?? [])].filter((other) => {
      const scan = this.#byPath.get(other)
      return other !== path && scan !== undefined && scan.look !== null && isSameFile(scan.look, look, keepsBirth)
    })
  }

  /** Forgets what was missing at two sweeps in a row: a file that a share hides for a moment is no new bag when it comes back. */
  sweepEnded(present: ReadonlyMap<string, unknown>): void {
    const missing = new Set<string>()
    for (const path of this.#byPath.keys()) {
      if (present.has(path)) continue
      if (this.#missing.has(path)) this.#delete(path)
      else missing.add(path)
    }
    this.#missing = missing
  }

  #delete(path: string): void {
    const scan = this.#byPath.get(path)
    this.#byPath.delete(path)
    const same = scan?.sha256 == null ? undefined : this.#byKey.get(scan.sha256)
    same?.delete(path)
    if (scan?.sha256 != null && same?.size === 0) this.#byKey.delete(scan.sha256)
  }
}
