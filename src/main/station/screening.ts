// The screening stage: a waiting bag's bytes through the judging room, its heatmap kept, its verdict handed to the ledger.
import { screenAndJudge, unscreenable, type Judged, type JudgingMeans } from './judging'
import type { WaitingBag } from './belt'
import type { Archive, ScreenedRecord } from './ports'
import { plainReason } from './reasons'
import type { Troubles } from './troubles'

export interface ScreeningStage extends JudgingMeans {
  archive: Pick<Archive, 'get' | 'put'>
  troubles: Pick<Troubles, 'raise'>
  /** writes the one verdict down; must not throw */
  finish(id: number, record: ScreenedRecord): void
  /** a heatmap sheet is at hand */
  keepHeatmap(id: number, sheet: Uint8Array): void
  /** a thumbnail is at hand */
  keepThumbnail(id: number, picture: Uint8Array): void
  /** a bag took this long, ms */
  took(ms: number): void
}

export class Screening {
  /** settled once the bag before has been handed to inference */
  #askedBefore: Promise<void> = Promise.resolve()

  constructor(private readonly stage: ScreeningStage) {}

  /** Screens a bag to its verdict; never rejects. An interrupted bag gets none: it stays received, and the next start finishes it. */
  async work(bag: WaitingBag, stopping: () => boolean): Promise<void> {
    const { stage } = this
    try {
      const judged = await this.#judge(bag, stopping)
      if (judged.interrupted) return
      const { record, heatmap, thumbnail } = judged
      if (thumbnail) stage.keepThumbnail(bag.id, thumbnail)
      if (heatmap) stage.keepHeatmap(bag.id, heatmap)
      if (record.ms) stage.took(record.ms.total)
      stage.finish(bag.id, { ...record, heatmap: heatmap && record.verdict !== 'clear' ? await this.#keep(heatmap) : null })
    } catch (error) {
      stage.finish(bag.id, unscreenable(plainReason(error), stage.clock.now()))
    }
  }

  async #judge({ sha256, bytes }: WaitingBag, stopping: () => boolean): Promise<Judged> {
    // reading may take its time, but nobody is overtaken: the next bag is asked about after this one
    const before = this.#askedBefore
    let asked: () => void = () => undefined
    this.#askedBefore = new Promise((resolve) => (asked = resolve))
    let judging: Promise<Judged>
    try {
      const content = bytes ?? (await this.stage.archive.get(sha256))
      await before
      if (!content) throw new Error('The scan is no longer in the archive.')
      judging = screenAndJudge(content, this.stage, stopping)
    } finally {
      asked()
    }
    return judging
  }

  /** A flagged bag's heatmap goes to the archive. An alarm without its heatmap is still an alarm. */
  async #keep(heatmap: Uint8Array): Promise<string | null> {
    try {
      return await this.stage.archive.put(heatmap, 'heat')
    } catch (error) {
      this.stage.troubles.raise('heatmap', `A heatmap could not be kept: ${plainReason(error)}`)
      return null
    }
  }
}
