// Failures that concern no single bag, in plain words, until they are over.

export class Troubles {
  readonly #now = new Map<string, string>()

  constructor(
    private readonly changed: () => void,
    private readonly say: (line: string) => void,
  ) {}

  /** Of each kind only the newest is kept. */
  raise(kind: string, words: string): void {
    if (this.#now.get(kind) === words) return
    this.#now.set(kind, words)
    this.say(`trouble: ${words}`)
    this.changed()
  }

  over(kind: string): void {
    if (this.#now.delete(kind)) this.changed()
  }

  list(): string[] {
    return [...this.#now.values()]
  }
}
