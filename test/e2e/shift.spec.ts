/// <reference lib="dom" />
// A shift of thirty bags walked by keyboard alone: every bag is decided, every note and decision lies on the bag it was meant for.
import type { Page } from '@playwright/test'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from './lane'

const DEMO = resolve(import.meta.dirname, '../../resources/demo')
const BAGS = 30

/** Presses a decision's key until the station has taken it: the first half second after a bag appears belongs to the bag before. */
async function decide(page: Page, key: string, bag: number): Promise<void> {
  const tile = page.locator(`[data-testid=belt-bag][data-bag="${bag}"]`)
  await expect(async () => {
    await page.keyboard.press(key)
    await expect(tile).toHaveAttribute('aria-label', / by S\. Hift/, { timeout: 700 })
  }).toPass({ intervals: [300] })
}

test('thirty bags by keyboard: looked at, noted, decided, handed over, and all of it found in the log', async ({ lane }) => {
  test.setTimeout(900_000)
  const page = await lane.start(null, null)
  const scan = page.getByTestId('scan')
  const banner = page.getByTestId('banner')
  await page.keyboard.type('S. Hift')
  await page.keyboard.press('Enter')

  const notes = new Map<number, string>()
  let alarms = 0
  for (let bag = 1; bag <= BAGS; bag++) {
    const name = `bag-${String(bag).padStart(4, '0')}.jpg`
    lane.put(name, readFileSync(join(DEMO, name)))
    await expect(scan).toHaveAttribute('data-bag', String(bag))
    await expect(banner).not.toHaveAttribute('data-verdict', 'screening')
    await expect(scan).toHaveAttribute('data-picture', 'shown')
    // every bag starts whole and raw, whatever was done to the one before
    await expect(scan).toHaveAttribute('aria-label', /unaltered/)
    await expect(page.getByTestId('caption')).toHaveText('raw scan')
    const alarm = (await banner.getAttribute('data-standing')) === 'undecided'
    if (alarm) alarms++
    if (bag % 3 === 0) {
      await page.keyboard.press(String(2 + (bag % 6)))
      await expect(scan).not.toHaveAttribute('aria-label', /unaltered/)
    }
    if (bag % 4 === 0) {
      await page.keyboard.press('+')
      await page.keyboard.press('ArrowRight') // pans: the bag stays
      await expect(scan).toHaveAttribute('data-bag', String(bag))
    }
    if (bag % 7 === 0) {
      notes.set(bag, `note of bag ${bag}`)
      await page.keyboard.press('n')
      await page.keyboard.type(`note of bag ${bag}`)
      await page.keyboard.press('Enter')
    }
    await decide(page, alarm || bag % 10 === 0 ? 's' : ' ', bag)
  }
  expect(alarms, 'the demo has alarms among its first thirty bags').toBeGreaterThan(0)
  await expect(page.locator('[data-testid=belt-bag][data-standing=undecided]')).toHaveCount(0)
  await expect(page.locator('[data-testid=belt-bag]').filter({ hasText: 'undecided' })).toHaveCount(0)

  // back along the belt and home again
  for (let back = 1; back <= 5; back++) {
    await page.keyboard.press('ArrowRight')
    await expect(scan).toHaveAttribute('data-bag', String(BAGS - back))
  }
  await page.keyboard.press('Home')
  await expect(scan).toHaveAttribute('data-bag', String(BAGS))

  // the next person takes over; the clock at the screen starts anew
  await page.keyboard.press('p')
  await page.keyboard.type('N. Ext')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('button', { name: 'N. Ext', exact: true })).toBeVisible()

  // each note lies on its own bag, in the station's own record
  for (const [bag, note] of notes) {
    await page.evaluate((id) => {
      location.hash = `#/log/${id}?verdicts=clear,alarm,advisory,unscreenable`
      location.reload()
    }, bag)
    await expect(page.getByTestId('detail')).toHaveAttribute('data-bag', String(bag))
    await expect(page.getByTestId('detail')).toContainText(`“${note}”`)
    await expect(page.getByTestId('detail')).toContainText('by S. Hift')
  }
})
