// The one judging room: what station, scan, explain, evaluate and calibrate all rest on.
import { expect, test, vi } from 'vitest'
import { firstCalibration, firstPolicy } from '../../../src/domain/first-policy'
import { screenAndJudge, type JudgingMeans } from '../../../src/main/station/judging'
import type { ScreenedRecord, ScreenResult } from '../../../src/main/station/ports'
import { mapClasses, type ThreatClass } from '../../../src/shared/classes'
import type { Calibration } from '../../../src/shared/policy'
import { manifest } from '../domain/manifest'
import { bad, died, ok, output } from './make'

const policy = { version: 3, ...firstPolicy(manifest, 7) }
const fitted: Calibration = { version: 7, ...firstCalibration(manifest) }

function room(answers: (ScreenResult | Error)[], change: Partial<JudgingMeans['policies']> = {}) {
  const screen = vi.fn(() => {
    const answer = answers[Math.min(screen.mock.calls.length - 1, answers.length - 1)]
    return answer instanceof Error || answer === undefined ? Promise.reject(answer ?? new Error('none')) : Promise.resolve(answer)
  })
  const policies: JudgingMeans['policies'] = {
    current: () => policy,
    calibration: (v) => (v === 7 ? fitted : null),
    ...change,
  }
  return { inference: { screen, manifest }, policies, clock: { now: () => 42 } }
}
const bytes = new Uint8Array([1])
const tierAndPosterior = ({ classes }: ScreenedRecord, c: ThreatClass) => ({
  tier: classes?.[c].tier,
  posterior: classes?.[c].posterior,
})

test('a scan gets its record, under the policy that judged it, and its heatmap', async () => {
  const { record, heatmap, interrupted } = await screenAndJudge(bytes, room([ok({ gun: 5, knife: 1 })]))
  expect(record).toMatchObject({ verdict: 'alarm', reason: null, policy: 3, model: 'test-model@1', screenedAt: 42 })
  expect(record.classes?.gun).toMatchObject({ tier: 'alarm', fused: 5, logits: [4, 5, 6], peak: { x: 0.25, y: 0.75 } })
  expect(record.classes?.knife.tier).toBe('advisory')
  expect(heatmap).not.toBeNull()
  expect(interrupted).toBe(false)
})

test('several bags on a scan are judged one by one; its verdict is the worst of theirs', async () => {
  const of = (fused: Record<string, number>) => output(fused).classes
  const box = { x: 0, y: 0, width: 0.25, height: 1 }
  const bags = [of({}), of({ knife: 2 }), of({ gun: 5 })].map((classes, i) => ({ box: { ...box, x: i / 4 }, classes }))
  const { record } = await screenAndJudge(bytes, room([{ ok: true, output: { ...output({ gun: 5, knife: 2 }), bags } }]))
  expect(record.verdict).toBe('alarm')
  expect(record.bags?.map(({ box, verdict }) => [box.x, verdict])).toEqual([
    [0, 'clear'],
    [0.25, 'advisory'],
    [0.5, 'alarm'],
  ])
  expect(record.bags?.[1]?.classes.knife).toEqual({ fused: 2, peak: { x: 0.25, y: 0.75 }, ...tierAndPosterior(record, 'knife') })
})

test('the network is told from where on a heatmap is wanted: the lowest tier of each class', async () => {
  const means = room([ok()])
  await screenAndJudge(bytes, means)
  expect(means.inference.screen).toHaveBeenCalledWith(
    bytes,
    mapClasses((c) => policy.classes[c].advisory.threshold),
  )
})

test('a process that died gets the bag once more and no third time', async () => {
  const once = room([died('the process died'), ok()])
  expect((await screenAndJudge(bytes, once)).record.verdict).toBe('clear')
  const always = room([died('the process died')])
  const { record } = await screenAndJudge(bytes, always)
  expect(record).toMatchObject({ verdict: 'unscreenable', reason: 'the process died', classes: null })
  expect(always.inference.screen).toHaveBeenCalledTimes(2)
})

test('a bad scan is not tried again', async () => {
  const means = room([bad('The file is cut off.')])
  expect((await screenAndJudge(bytes, means)).record).toMatchObject({ verdict: 'unscreenable', reason: 'The file is cut off.' })
  expect(means.inference.screen).toHaveBeenCalledTimes(1)
})

test.each<[string, (ScreenResult | Error)[], Partial<JudgingMeans['policies']>, string]>([
  ['inference that throws', [new Error('broken pipe')], {}, 'broken pipe'],
  ['a reason without words', [bad('')], {}, 'The scan could not be analysed.'],
  ['a policy of another model', [ok()], { current: () => ({ ...policy, modelSha256: 'f'.repeat(64) }) }, 'belongs to model'],
  ['a calibration that is not there', [ok()], { calibration: () => null }, 'which does not exist'],
  ['another calibration than the policy names', [ok()], { calibration: () => ({ ...fitted, version: 8 }) }, 'calibration 7'],
  ['a score that is no number', [ok({ gun: Number.NaN })], {}, 'no usable score for gun'],
  [
    'a policy that cannot be read',
    [ok()],
    {
      current: () => {
        throw new Error('The database is damaged.')
      },
    },
    'The database is damaged.',
  ],
])('%s makes the bag unscreenable, never clear', async (_, answers, change, reason) => {
  const { record, heatmap } = await screenAndJudge(bytes, room(answers, change))
  expect(record.verdict).toBe('unscreenable')
  expect(record.reason).toContain(reason)
  expect(record.classes).toBeNull()
  expect(heatmap).toBeNull()
})

test('a bag that the stop of the program interrupts is not tried again, and says that its record must not be kept', async () => {
  const means = room([died('The program is stopping.')])
  const { record, interrupted } = await screenAndJudge(bytes, means, () => true)
  expect(interrupted).toBe(true)
  expect(record.verdict).toBe('unscreenable') // who keeps it all the same fails towards inspection
  expect(means.inference.screen).toHaveBeenCalledTimes(1)
})
