/// <reference lib="dom" />
// The operator's screen in a person's hands: nothing overlaps at any size, axe finds nothing, and what someone looks at or types stays theirs.
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, test } from './lane'

// axe reads the whole page a dozen times
test.describe.configure({ timeout: 360_000 })

const banner = (page: Page) => page.getByTestId('banner')
const scan = (page: Page) => page.getByTestId('scan')

/** Everything that axe knows of, best practices too. */
async function axe(page: Page, where: string): Promise<void> {
  const { violations, passes } = await new AxeBuilder({ page }).analyze()
  expect(passes.length, where).toBeGreaterThan(5)
  expect(
    violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`),
    where,
  ).toEqual([])
}

test('axe finds nothing: empty, alarm, heat, decided, advisory, held, help, name', async ({ lane }) => {
  const page = await lane.start('alarms', null)
  await expect(page.getByLabel('Name')).toBeFocused()
  await axe(page, 'name')
  await page.keyboard.type('E. Tester')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('empty')).toBeVisible()
  await axe(page, 'empty')
  await lane.bag()
  await lane.bag()
  await expect(banner(page)).toHaveAttribute('data-verdict', 'alarm')
  await expect(page.getByTestId('queue')).toHaveAttribute('data-count', '1')
  await expect(scan(page)).toHaveAttribute('data-picture', 'shown')
  await axe(page, 'alarm')
  await page.keyboard.press('h')
  await expect(page.getByTestId('heat')).toBeVisible()
  await axe(page, 'heat')
  await page.keyboard.press('Space')
  await expect(page.getByTestId('notice')).toBeVisible()
  await axe(page, 'armed')
  await page.getByTestId('status').getByRole('button').first().hover()
  await expect(page.locator('.fact-more')).toBeVisible()
  await axe(page, 'a fact of the top bar')
  await page.keyboard.press('s')
  await expect(scan(page)).toHaveAttribute('data-bag', '2')
  await page.keyboard.press('ArrowRight')
  await expect(banner(page)).toHaveAttribute('data-standing', 'decided')
  await expect(page.getByTestId('away')).toBeVisible()
  await axe(page, 'decided and recalled')
  await page.keyboard.press('?')
  await expect(page.getByTestId('help')).toBeVisible()
  await axe(page, 'help')
  await page.keyboard.press('Escape')
  lane.put('not a scan.jpg', 'text')
  await expect(page.getByTestId('belt-bag')).toHaveCount(3)
  await page.locator('[data-testid=belt-bag].unscreenable').click()
  await expect(banner(page)).toHaveAttribute('data-verdict', 'unscreenable')
  await axe(page, 'not screened')
})

test('axe finds nothing on a lane that is gone', async ({ lane, shell }) => {
  test.skip(shell === 'electron', 'in Electron the station and its window end together')
  const page = await lane.start('advisories')
  await lane.bag()
  await expect(banner(page)).toHaveAttribute('data-verdict', 'advisory')
  await expect(page.getByTestId('frame-gun')).toBeVisible()
  await axe(page, 'advisory')
  await lane.kill()
  await expect(page.getByTestId('trouble')).toContainText('NOT live')
  await axe(page, 'lost')
})

/** Boxes that must not touch: each pair of visible elements of the list. */
async function overlaps(page: Page, selector: string): Promise<string[]> {
  const boxes: { name: string; x: number; y: number; width: number; height: number }[] = []
  for (const element of await page.locator(selector).all()) {
    const box = await element.boundingBox()
    if (box !== null && box.width > 0 && box.height > 0)
      boxes.push({ name: (await element.innerText()).replaceAll(/\s+/g, ' '), ...box })
  }
  const found: string[] = []
  boxes.forEach((a, i) => {
    for (const b of boxes.slice(i + 1))
      if (a.x + 0.5 < b.x + b.width && b.x + 0.5 < a.x + a.width && a.y + 0.5 < b.y + b.height && b.y + 0.5 < a.y + a.height)
        found.push(`${a.name} | ${b.name}`)
  })
  return found
}

test('nothing overlaps or is cut off, from 1920 down to 200 % zoom, also before the first key and with a long name', async ({
  lane,
}) => {
  const page = await lane.start('alarms', 'Wilhelmina Featherstonehaugh-Cholmondeley')
  await lane.bag()
  await expect(banner(page)).toHaveAttribute('data-verdict', 'alarm')
  for (const silent of [false, true]) {
    if (silent) {
      // after a reload the browser keeps the page silent, which the top bar says in its longest words
      await page.reload()
      await expect(page.locator('html')).toHaveAttribute('data-ready', 'true')
      await expect(page.getByTestId('sound')).toContainText('silent until')
    }
    for (const [width, height] of [
      [1920, 1080],
      [1280, 800],
      [1024, 768],
      [640, 400],
    ] as const) {
      await page.setViewportSize({ width, height })
      const size = `${width} × ${height}${silent ? ', silent' : ''}`
      // the facts' own row is clipped where it ends: what counts is what shows
      expect(await overlaps(page, 'header nav, header [data-testid=status], header .right > *'), size).toEqual([])
      expect(await overlaps(page, '.operator > *'), size).toEqual([])
      const wide = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(wide, `${size}: nothing lies beyond the right edge`).toBeLessThanOrEqual(width)
      for (const name of [/^Clear/, /^Search/, /^Hold/]) {
        const button = await page.getByRole('button', { name }).boundingBox()
        if (button === null) throw new Error(`${size}: no button ${String(name)}`)
        expect(button.y + button.height, `${size}: ${String(name)} is in sight`).toBeLessThanOrEqual(height)
      }
      const stage = await scan(page).boundingBox()
      expect(stage?.width ?? 0, size).toBeGreaterThan(width * 0.35)
      expect(stage?.height ?? 0, size).toBeGreaterThan(250)
    }
  }
})

test('the dialogs keep the focus, and give it back', async ({ lane }) => {
  const page = await lane.start('calm')
  await page.keyboard.press('?')
  const help = page.getByTestId('help')
  await expect(help.getByRole('button', { name: /Close/ })).toBeFocused()
  for (let i = 0; i < 4; i++) await page.keyboard.press(i % 2 ? 'Shift+Tab' : 'Tab')
  expect(await help.evaluate((dialog) => dialog.contains(document.activeElement))).toBe(true)
  await page.keyboard.press('Escape')
  await expect(help).toHaveCount(0)
  // without a name there is no way past the question; with one, Esc leaves it as it was
  await page.keyboard.press('p')
  await expect(page.getByLabel('Name')).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'E. Tester' })).toBeVisible()
  // arrow keys walk the image functions, and do not reach the scan behind them
  await page.getByRole('button', { name: /^raw/ }).focus()
  await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('button', { name: /^neg/ })).toBeFocused()
})

test('a zoomed calm bag is held while others come; arrows pan it; letting go goes on, and what passed is marked', async ({
  lane,
}) => {
  const page = await lane.start('calm')
  await lane.bag()
  await expect(banner(page)).toHaveAttribute('data-verdict', 'clear')
  await expect(scan(page)).toHaveAttribute('data-picture', 'shown')
  await page.keyboard.press('+')
  await page.keyboard.press('+')
  await lane.bag()
  await lane.bag()
  await expect(page.getByTestId('belt-bag')).toHaveCount(3)
  await expect(page.getByTestId('away')).toContainText('Held while you look. 2 newer bags')
  await expect(scan(page)).toHaveAttribute('data-bag', '1')
  const place = async (): Promise<number> => (await scan(page).locator('img').boundingBox())?.y ?? NaN
  const before = await place()
  await page.keyboard.press('ArrowDown')
  await expect.poll(place).toBeLessThan(before)
  await expect(page.getByTestId('heat-caption')).toHaveCount(0)
  await expect(scan(page)).toHaveAttribute('data-bag', '1')
  await page.keyboard.press('Home')
  await expect(scan(page)).toHaveAttribute('data-bag', '3')
  await expect(page.getByTestId('away')).toHaveCount(0)
  await expect(page.locator('[data-testid=belt-bag][data-bag="1"]')).toContainText('undecided')
  await expect(page.locator('[data-testid=belt-bag][data-bag="3"]')).not.toContainText('undecided')
  // the log says the same of it
  await page.evaluate(() => {
    location.hash = '#/log/1?verdicts=clear'
    location.reload()
  })
  await expect(page.locator('[data-testid=log-row][data-bag="1"]').getByTestId('decision-badge')).toHaveText('undecided')
})

test('a note typed while the next bag arrives goes with its own bag', async ({ lane }) => {
  const page = await lane.start('calm')
  await lane.bag()
  await expect(banner(page)).toHaveAttribute('data-verdict', 'clear')
  await page.keyboard.press('n')
  await page.keyboard.type('odd ')
  await lane.bag()
  await expect(page.getByTestId('belt-bag')).toHaveCount(2)
  await page.keyboard.type('hinge')
  await page.keyboard.press('Enter')
  await expect(scan(page)).toHaveAttribute('data-bag', '1')
  await page.keyboard.press('s')
  await expect(scan(page)).toHaveAttribute('data-bag', '2')
  await expect(page.getByLabel('Reason for the decision, optional')).toHaveValue('')
  await expect(async () => {
    await page.keyboard.press('d')
    await expect(page.getByTestId('decided')).toContainText('Held', { timeout: 500 })
  }).toPass()
  await page.evaluate(() => {
    location.hash = '#/log/1?verdicts=clear'
    location.reload()
  })
  await expect(page.getByTestId('detail')).toContainText('“odd hinge”')
  await page.keyboard.press('k')
  await expect(page.getByTestId('detail')).toHaveAttribute('data-bag', '2')
  await expect(page.getByTestId('detail')).not.toContainText('hinge')
})
