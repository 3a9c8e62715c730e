// What the station says of itself: severity goes with the kind of failure, whatever its words.
import { expect, test, vi } from 'vitest'
import { Troubles } from '../../../src/main/station/troubles'
import { stationStatus } from '../../../src/shared/status'

const of = (): Troubles =>
  new Troubles(
    () => undefined,
    () => undefined,
  )

test.each(['archive', 'log'] as const)('%s is grave in any words', (kind) => {
  const troubles = of()
  for (const text of ['Treat every bag as an alarm.', 'Reworded.', '']) {
    troubles.raise(kind, text)
    expect(troubles.list()).toEqual([{ text, grave: true }])
  }
})

test.each(['heatmap', 'let-go', 'alarms', 'policy', 'audit'] as const)('%s is not grave in any words', (kind) => {
  const troubles = of()
  for (const text of ['Treat every bag as an alarm.', 'Reworded.', '']) {
    troubles.raise(kind, text)
    expect(troubles.list()).toEqual([{ text, grave: false }])
  }
})

test('each kind has its own end; the newest words of a kind count, and the same words are told once', () => {
  const changed = vi.fn()
  const troubles = new Troubles(changed, () => undefined)
  troubles.raise('archive', 'full')
  troubles.raise('archive', 'full')
  troubles.raise('heatmap', 'also full')
  expect(changed).toHaveBeenCalledTimes(2)
  troubles.over('heatmap')
  expect(troubles.list()).toEqual([{ text: 'full', grave: true }])
})

test('a trouble without its severity is no status', () => {
  const { troubles } = stationStatus.shape
  expect(troubles.safeParse([{ text: 'full', grave: true }]).success).toBe(true)
  expect(troubles.safeParse([{ text: 'full' }]).success).toBe(false)
  expect(troubles.safeParse(['full']).success).toBe(false)
})
