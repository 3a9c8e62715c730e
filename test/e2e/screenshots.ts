// Draws docs/screenshots anew from the demo replay: LANESCOPE_SCREENSHOTS=1 npx playwright test --project screenshots
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import sharp from 'sharp'
import { expect, test } from './lane'

const ROOT = resolve(import.meta.dirname, '../..')
const DEMO = join(ROOT, 'resources/demo')
const OUT = process.env['LANESCOPE_SCREENSHOTS_TO'] ?? join(ROOT, 'docs/screenshots')

test.use({ viewport: { width: 1440, height: 900 } })

test('screenshots', async ({ lane }) => {
  test.setTimeout(300_000)
  mkdirSync(OUT, { recursive: true })
  const page = await lane.start(null, 'A. Operator')
  const shoot = async (name: string): Promise<void> => {
    await expect(page.getByTestId('scan')).toHaveAttribute('data-picture', 'shown')
    await page.waitForLoadState('networkidle')
    const png = await page.screenshot({ animations: 'disabled' })
    await sharp(png)
      .png({ compressionLevel: 9, palette: true, quality: 95 })
      .toFile(join(OUT, `${name}.png`))
  }
  const bags = readdirSync(DEMO).filter((name) => /\.(jpe?g|png)$/.test(name))
  const banner = page.getByTestId('banner')
  for (const [i, name] of bags.sort().entries()) {
    lane.put(name, readFileSync(join(DEMO, name)))
    await expect(page.getByTestId('belt-bag')).toHaveCount(i + 1)
  }
  await expect(page.locator('[data-testid=belt-bag].screening')).toHaveCount(0, { timeout: 120_000 })

  const alarms = page.locator('[data-testid=belt-bag].alarm')
  const found = await alarms.count()
  console.log(`${bags.length} demo bags, ${found} with an alarm`)
  if (found > 0) {
    await expect(banner).toHaveAttribute('data-verdict', 'alarm')
    await shoot('operator-alarm')
    await page.keyboard.press('h')
    await expect(page.getByTestId('heat')).toBeVisible()
    await shoot('operator-heat')
  }
  // search every alarm, until the lane is calm
  while ((await banner.getAttribute('data-verdict')) === 'alarm') {
    const bag = await page.getByTestId('scan').getAttribute('data-bag')
    await expect(async () => {
      await page.keyboard.press('s')
      await expect(page.getByTestId('scan')).not.toHaveAttribute('data-bag', bag ?? '', { timeout: 700 })
    }).toPass()
  }
  await shoot('operator-calm')

  await page.keyboard.press('l')
  await expect(page.getByTestId('detail')).toBeVisible()
  for (const row of await page.locator('[data-testid=log-row].alarm').all()) {
    await row.click()
    break
  }
  await page.keyboard.press('h')
  await expect(page.getByTestId('heat')).toBeVisible()
  await shoot('log')
})
