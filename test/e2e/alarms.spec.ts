// Thresholds set as a supervisor does it: drag an operating point, read what it promises, save, see the next bag judged by it, roll back.
import type { Page } from '@playwright/test'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { mapClasses, THREAT_CLASSES } from '../../src/shared/classes'
import { writeScores, type ScoredScan } from '../../src/domain/scores'
import { chooseModel } from '../../src/main/inference/model-files'
import { expect, test, type Lane } from './lane'

/**
 * The real network beside made-up held-out scores whose range holds every score it can give, and thresholds above them all: the first bags
 * are clear for certain, and a threshold dragged to the left end alarms for certain.
 */
function tunableModel(folder: string): string {
  const { manifest, manifestPath, modelPath } = chooseModel(import.meta.dirname)
  mkdirSync(folder, { recursive: true })
  cpSync(modelPath, join(folder, manifest.file))
  const score = (i: number, n: number, from: number, to: number): number => from + ((to - from) * (i + 0.5)) / n
  const scans: ScoredScan[] = []
  // benign from −60 to 30 with a thinning tail, threats from −5 to 60
  for (let i = 0; i < 1500; i++) {
    const z = -60 + 90 * (1 - Math.sqrt(1 - (i + 0.5) / 1500))
    scans.push({
      source: 'made up',
      group: `b${i}`,
      labels: mapClasses(() => 0 as const),
      fused: mapClasses((c) => z + 0.01 * c.length),
    })
  }
  for (const c of THREAT_CLASSES)
    for (let i = 0; i < 100; i++)
      scans.push({
        source: 'made up',
        group: `${c}${i}`,
        labels: { ...mapClasses(() => 0 as const), [c]: 1 },
        fused: { ...mapClasses(() => -50), [c]: score(i, 100, -5, 60) },
      })
  const csv = writeScores(scans)
  writeFileSync(join(folder, 'scores.csv'), csv)
  const copy = JSON.parse(readFileSync(manifestPath, 'utf8')) as Record<string, unknown>
  copy['thresholds'] = mapClasses(() => ({ advisory: 40, alarm: 45 }))
  copy['scores'] = { file: 'scores.csv', sha256: createHash('sha256').update(csv).digest('hex') }
  const target = join(folder, `${manifest.name}.json`)
  writeFileSync(target, JSON.stringify(copy))
  return target
}

async function startTunable(lane: Lane): Promise<Page> {
  return lane.start(null, 'S. Supervisor', tunableModel(join(lane.folder, 'model-tunable')))
}

/** Screens one more bag and expects its verdict, in the belt's words. */
async function nextBag(lane: Lane, page: Page, id: number, verdict: 'Alarm' | 'No alarm'): Promise<void> {
  await page.keyboard.press('o')
  await lane.bag()
  await expect(page.locator(`[data-testid=belt-bag][data-bag="${id}"]`)).toHaveAttribute('aria-label', new RegExp(`: ${verdict}`))
}

async function dragToLeftEnd(page: Page): Promise<void> {
  const handle = page.getByTestId('threshold-alarm')
  const from = await handle.locator('rect').boundingBox()
  const chart = await page.getByLabel('Scores of gun').boundingBox()
  if (from === null || chart === null) throw new Error('nothing to drag')
  await page.mouse.move(from.x + from.width / 2, from.y + 60)
  await page.mouse.down()
  await page.mouse.move(chart.x + chart.width / 2, from.y + 60, { steps: 6 })
  await page.mouse.move(chart.x + 60, from.y + 60, { steps: 6 })
  await page.mouse.up()
}

test('drag an operating point, read the promise, save, the next bag is judged by the new version, roll back', async ({
  lane,
}) => {
  const page = await startTunable(lane)
  await nextBag(lane, page, 1, 'No alarm')

  await page.keyboard.press('a')
  await expect(page.getByTestId('class-far')).toContainText('≤ 2.0') // no alarm in 1,500 bags: the bound, not the hope
  await expect(page.getByTestId('sample')).toContainText('1,500 independent bags')
  await expect(page.getByTestId('save')).toBeDisabled()
  await dragToLeftEnd(page)
  await expect(page.getByTestId('class-far')).not.toContainText('≤ 2.0')
  await expect(page.getByTestId('class-recall')).toContainText('100 %')
  await expect(page.getByTestId('replay')).toContainText('policy 1: 0 alarms')
  await expect(page.getByTestId('replay')).toContainText('this draft: 1 alarm')

  // a reason goes with every policy
  await page.getByTestId('save').click()
  await expect(page.getByRole('status').filter({ hasText: 'Say why' })).toBeVisible()
  await page.getByLabel('Reason for the change').fill('a test of the lane')
  await page.getByTestId('save').click()
  await expect(page.getByTestId('alarms').getByText('Policy 2 is in force.')).toBeVisible()

  await nextBag(lane, page, 2, 'Alarm')
  await expect(page.getByTestId('banner')).toContainText('gun')

  await page.keyboard.press('a')
  await page.getByRole('tab', { name: 'Versions' }).click()
  await page.getByTestId('version-1').click()
  await page.getByLabel('Reason for the change').fill('the test is over')
  await page.getByTestId('roll-back').click()
  await expect(page.getByTestId('alarms').getByText('Policy 3 is in force, the same as policy 1.')).toBeVisible()
  await expect(page.getByTestId('version-3')).toContainText('S. Supervisor')
  await nextBag(lane, page, 3, 'No alarm')
})

test('thresholds by keyboard and by budget; crossing is impossible; too small a sample is said', async ({ lane }) => {
  const page = await startTunable(lane)
  await page.keyboard.press('a')
  const alarm = page.getByTestId('threshold-alarm')
  const advisory = page.getByTestId('threshold-advisory')
  const valueOf = async (handle: typeof alarm) => Number(await handle.getAttribute('aria-valuenow'))
  await expect(page.getByTestId('class-far')).toBeVisible()
  await alarm.focus()
  const before = await valueOf(alarm)
  await page.keyboard.press('Shift+ArrowLeft')
  await expect.poll(() => valueOf(alarm)).toBeLessThan(before)
  await page.keyboard.press('Shift+ArrowLeft')
  await page.keyboard.press('Shift+ArrowLeft')
  await expect.poll(() => valueOf(alarm)).toBeLessThan(40)
  expect(await valueOf(advisory)).toBeLessThanOrEqual(await valueOf(alarm))

  // the operating point on the curve moves the same threshold
  const at = await valueOf(alarm)
  await page.getByTestId('point-alarm').focus()
  await page.keyboard.press('ArrowUp')
  await expect.poll(() => valueOf(alarm)).toBeGreaterThan(at)

  await page.getByLabel('Value').fill('5')
  await page.getByRole('button', { name: 'Set', exact: true }).click()
  await expect(page.getByTestId('any-far')).toContainText(/≤ [0-4]\.\d|≤ 5\.0/)
  await page.getByLabel('Value').fill('0.5')
  await page.getByRole('button', { name: 'Set', exact: true }).click()
  await expect(page.getByTestId('sample')).toContainText(/more are needed/)
  await page.getByRole('button', { name: 'Discard' }).click()
  await expect(page.getByTestId('save')).toBeDisabled()

  // the lane has taught too little to propose anything, and says how much more it takes
  await page.getByRole('button', { name: 'Propose' }).click()
  await expect(page.getByTestId('proposal')).toContainText('598')
  await page.getByRole('tab', { name: 'Drift' }).click()
  await expect(page.getByTestId('drift')).toHaveAttribute('data-state', 'learning')
})
