// The log as a supervisor uses it: what was decided is seen at a glance, several threats a bag are reviewed with their places, keys work again
// after a filter; nothing is clipped at any size; axe finds nothing.
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, test } from './lane'

/** Elements of the log whose text is cut off, and what sticks out of the window. */
function clipped(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = []
    for (const element of document.querySelectorAll<HTMLElement>(
      'main b, main time, main .badge, main th, main td, main dd, main button, main label, main svg text',
    )) {
      const style = getComputedStyle(element)
      const { left, right, width } = element.getBoundingClientRect()
      if (width === 0 || style.visibility === 'hidden' || element.closest('.visually-hidden') !== null) continue
      const says = element.textContent.trim().slice(0, 40)
      if (style.display !== 'inline' && element.scrollWidth > element.clientWidth + 1) found.push(`cut off: ${says}`)
      if (left < -0.5 || right > innerWidth + 0.5) found.push(`outside the window: ${says}`)
      for (let p = element.parentElement; p !== null && p.tagName !== 'MAIN'; p = p.parentElement) {
        const box = p.getBoundingClientRect()
        if (getComputedStyle(p).overflowX !== 'visible' && (right > box.right + 1 || left < box.left - 1))
          found.push(`beyond its column: ${says}`)
      }
    }
    return found
  })
}
/** What axe finds in the view, with the first place of each. */
async function offences(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).include('main').analyze()
  return violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`)
}
const SIZES = [
  { width: 1920, height: 1080 },
  { width: 1280, height: 800 },
  { width: 1024, height: 768 },
  // 1280 × 800 at 200 % zoom
  { width: 640, height: 400 },
] as const

test('decisions are seen in the list, threats are reviewed with their places, Esc leaves a filter', async ({ lane }) => {
  const page = await lane.start('alarms')
  for (let i = 1; i <= 3; i++) {
    await lane.bag()
    await expect(page.getByTestId('belt-bag')).toHaveCount(i)
  }
  await expect(page.locator('[data-testid=belt-bag].alarm')).toHaveCount(3)
  await page.keyboard.press('l')
  const row = (id: number) => page.locator(`[data-testid=log-row][data-bag="${id}"]`)
  await row(3).click()
  const late = page.getByRole('group', { name: 'Decision' })
  await late.getByRole('button', { name: 'Clear' }).click()
  await page.waitForTimeout(300) // a second press sooner than this is a bounce
  await late.getByRole('button', { name: 'Really clear?' }).click()
  await expect(row(3).getByTestId('decision-badge')).toHaveText('alarm cleared E. Tester')
  await row(2).click()
  await late.getByRole('button', { name: 'Search' }).click()
  await expect(row(2).getByTestId('decision-badge')).toHaveText('searched E. Tester')
  await expect(row(1).getByTestId('decision-badge')).toHaveText('undecided')

  // two threats: a point for one, a box for the other
  await page.keyboard.press('c')
  await expect(page.getByTestId('pointing')).toBeVisible()
  for (const c of ['gun', 'knife', 'wrench', 'pliers', 'scissors'] as const) {
    const named = (await page.getByTestId(`finding-${c}`).count()) > 0
    if (named !== (c === 'knife' || c === 'pliers'))
      await page.getByRole('group', { name: 'Classes in the bag' }).getByRole('button', { name: c }).click()
  }
  const scan = await page.getByTestId('places').boundingBox()
  if (scan === null) throw new Error('no scan')
  const at = (x: number, y: number): [number, number] => [scan.x + x * scan.width, scan.y + y * scan.height]
  await page.getByTestId('finding-knife').getByRole('button', { name: 'knife', exact: false }).first().click()
  await page.mouse.click(...at(0.25, 0.5))
  await page.getByTestId('finding-pliers').getByRole('button').first().click()
  await page.mouse.move(...at(0.5, 0.25))
  await page.mouse.down()
  await page.mouse.move(...at(0.75, 0.75), { steps: 4 })
  await page.mouse.up()
  await expect(page.getByTestId('finding-knife')).toContainText('point, 25 % from the left, 50 % from the top')
  await expect(page.getByTestId('finding-pliers')).toContainText(/box, 6[23] % from the left, 50 % from the top/)
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('outcome')).toContainText(/Confirmed: (knife, pliers|pliers, knife)/)
  await expect(page.getByTestId('outcome')).toContainText(
    'False alarm: gun, wrench, scissors.'.replace('False', 'false').replace('.', ''),
  )
  await expect(row(2).getByTestId('outcome-badge')).toContainText('confirmed')
  await expect(page.getByTestId('marker')).toHaveCount(2)

  // a filter, left by Esc: the keys mean the log again
  await page.keyboard.press('/')
  await expect(page.getByRole('combobox', { name: 'Class' })).toBeFocused()
  await page.keyboard.press('Escape')
  await page.keyboard.press('j')
  await expect(page.getByTestId('detail')).toHaveAttribute('data-bag', '1')
  // a bag outside the filter is closed
  await page.getByRole('combobox', { name: 'Decision' }).selectOption('clear')
  await expect(page.getByTestId('detail')).toHaveAttribute('data-bag', '3')

  await page.reload()
  await expect(page.locator('html')).toHaveAttribute('data-ready', 'true')
  await page.getByRole('combobox', { name: 'Decision' }).selectOption('search')
  await expect(page.getByTestId('marker')).toHaveCount(2)
})

test('nothing is cut off at any size, and axe finds nothing', async ({ lane }) => {
  test.setTimeout(240_000)
  const page = await lane.start('alarms', 'Maria-Magdalena van der Oudekerk-Zuiderveld')
  await lane.bag()
  lane.put('broken scan.png', 'not a picture')
  await expect(page.getByTestId('belt-bag')).toHaveCount(2)
  await expect(page.locator('[data-testid=belt-bag].alarm')).toHaveCount(1)
  await page.keyboard.press('l')
  await page.locator('[data-testid=log-row].alarm').click()
  await page.getByRole('group', { name: 'Decision' }).getByRole('button', { name: 'Search' }).click()
  await page.keyboard.press('c')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('outcome')).toBeVisible()
  await page.getByText('Details: scores').click()
  for (const size of SIZES) {
    await page.setViewportSize(size)
    await expect.poll(() => clipped(page), `at ${size.width} × ${size.height}`).toEqual([])
  }
  expect(await offences(page)).toEqual([])
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.keyboard.press('c') // a review that was begun
  expect(await offences(page)).toEqual([])
})

test('the Alarms screen: Set by is above the fold, nothing is cut off, axe finds nothing in any tab', async ({ lane }) => {
  test.setTimeout(240_000)
  const page = await lane.start('calm')
  await page.keyboard.press('a')
  await expect(page.getByTestId('class-far')).toBeVisible()
  for (const size of SIZES) {
    await page.setViewportSize(size)
    await expect.poll(() => clipped(page), `at ${size.width} × ${size.height}`).toEqual([])
    const set = await page.getByRole('button', { name: 'Set', exact: true }).boundingBox()
    if (size.height > 700) expect((set?.y ?? Infinity) + (set?.height ?? 0), 'Set by is above the fold').toBeLessThan(size.height)
  }
  await page.setViewportSize({ width: 1280, height: 800 })
  for (const tab of ['Versions', 'Drift', 'Thresholds']) {
    await page.getByRole('tab', { name: tab }).click()
    expect(await offences(page), tab).toEqual([])
  }
  // tabs by arrow key
  await page.getByRole('tab', { name: 'Thresholds' }).focus()
  await page.keyboard.press('ArrowRight')
  await expect(page.getByRole('tab', { name: 'Versions' })).toHaveAttribute('aria-selected', 'true')
})
