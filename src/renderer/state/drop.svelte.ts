// Scan files that a person drops on the window: sent to the station as one more lane, with the answer in words.
import { DROP_NAME, PATHS, type DropAnswer } from '../../shared/bridge'
import { plural } from './words'

class Dropped {
  notice = $state<{ text: string; bad: boolean } | null>(null)

  async take(files: FileList | null): Promise<void> {
    if (files === null || files.length === 0) return
    let taken = 0
    const refused: string[] = []
    for (const file of files) {
      this.notice = { text: `Sending ${file.name} …`, bad: false }
      try {
        const response = await fetch(PATHS.drop, {
          method: 'POST',
          body: file,
          headers: { [DROP_NAME]: encodeURIComponent(file.name) },
        })
        const answer = (await response.json()) as DropAnswer
        if (answer.result === 'refused') refused.push(`${file.name}: ${answer.why ?? 'refused'}`)
        else taken++
      } catch {
        refused.push(`${file.name}: the station did not take it`)
      }
    }
    const words = [...(taken > 0 ? [`${plural(taken, 'scan')} handed over.`] : []), ...refused.map((r) => `Not taken: ${r}.`)]
    this.notice = { text: words.join(' '), bad: refused.length > 0 }
  }
}
export const dropped = new Dropped()
