// The bands over everything: which troubles are grave is the station's word, never read out of the text.
import { cleanup, render, screen, waitFor } from '@testing-library/svelte'
import { afterEach, expect, it, vi } from 'vitest'
import App from '../../src/renderer/App.svelte'
import { Screen } from '../../src/renderer/state/screen.svelte'
import type { Trouble } from '../../src/shared/status'
import { aStatus, FakeStation } from './fake'

afterEach(cleanup)
Element.prototype.scrollIntoView = () => undefined

async function bands(troubles: Trouble[]): Promise<{ band: (text: string) => HTMLElement; tell: (next: Trouble[]) => void }> {
  const station = new FakeStation()
  station.status = aStatus({ troubles })
  const given = new Screen(station.open)
  void given.live.run()
  await vi.waitFor(() => expect(given.live.connected).toBe(true))
  const { unmount } = render(App, { screen: given })
  cleanups.push(() => {
    unmount()
    given.stop()
  })
  return {
    band: (text) => {
      const found = screen.getAllByTestId('trouble').find((p) => p.textContent.includes(text))
      if (found === undefined) throw new Error(`There is no band that says ${text}.`)
      return found
    },
    tell: (next) => station.say({ type: 'status', status: aStatus({ troubles: next }) }),
  }
}
const cleanups: (() => void)[] = []
afterEach(() => {
  for (const end of cleanups.splice(0)) end()
})

it('a grave trouble is red in whatever words, and no words make another one red', async () => {
  const { band } = await bands([
    { text: 'Every scan is to be inspected by hand.', grave: true },
    { text: 'The model changed; nobody need treat every bag as an alarm.', grave: false },
  ])
  expect(band('inspected by hand').classList.contains('grave')).toBe(true)
  expect(band('The model changed').classList.contains('grave')).toBe(false)
})

it('the same words turn red and amber again with the station’s word', async () => {
  const text = 'The disk is full.'
  const { band, tell } = await bands([{ text, grave: false }])
  expect(band(text).classList.contains('grave')).toBe(false)
  tell([{ text, grave: true }])
  await waitFor(() => expect(band(text).classList.contains('grave')).toBe(true))
  tell([{ text, grave: false }])
  await waitFor(() => expect(band(text).classList.contains('grave')).toBe(false))
})

it('two troubles of the same words are two bands', async () => {
  const text = 'The disk is full.'
  await bands([
    { text, grave: true },
    { text, grave: false },
  ])
  expect(screen.getAllByTestId('trouble').map((p) => p.classList.contains('grave'))).toEqual([true, false])
})
