// Alarms screen's use cases on a real station: real store and policy code; only the network is stood in for, its scores read from the scan's own text.
import { expect, test } from 'vitest'
import { modelName } from '../../../src/domain/first-policy'
import { writeScores, type ScoredScan } from '../../../src/domain/scores'
import { createStation } from '../../../src/main/station/station'
import type { Inference } from '../../../src/main/station/ports'
import { Refused } from '../../../src/main/station/errors'
import { mapClasses, THREAT_CLASSES, type PerClass } from '../../../src/shared/classes'
import { policyDraft } from '../../../src/shared/policy'
import { draftEffect, laneProposal, classScores } from '../../../src/shared/alarms'
import { driftReport } from '../../../src/shared/status'
import { manifest } from '../domain/manifest'
import { benignBag, randomOf, WIDTHS } from '../domain/random'
import { bytesOf, tempFolder, tempStore } from '../store/make'

const none = (): Promise<never> => Promise.reject(new Error('no picture'))
const inference: Inference = {
  manifest,
  screen(bytes) {
    const fused = JSON.parse(new TextDecoder().decode(bytes)) as PerClass<number>
    const classes = mapClasses((c) => ({ logits: [fused[c], fused[c], fused[c]], fused: fused[c], peak: { x: 0.5, y: 0.5 } }))
    const statistics = { brightness: 150, background: 245, aspect: 1.5, bagShare: 0.5 }
    const ms = { decode: 1, infer: 1, total: 2 }
    return Promise.resolve({
      ok: true,
      output: {
        width: 10,
        height: 10,
        classes,
        bags: [{ box: { x: 0, y: 0, width: 1, height: 1 }, classes }],
        heatmap: null,
        statistics,
        provider: 'cpu',
        ms,
      },
    })
  },
  status: () => ({ state: 'ready', provider: 'cpu', providerNote: null, model: modelName(manifest), restarts: 0, message: null }),
  onStatus: () => () => undefined,
  stop: () => Promise.resolve(),
}

function heldOut(): string {
  const random = randomOf(5)
  const scans: ScoredScan[] = Array.from({ length: 2000 }, (_, i) => ({
    source: 'test',
    group: `b${i}`,
    labels: mapClasses(() => 0 as const),
    fused: benignBag(random, 0.3),
  }))
  for (const c of THREAT_CLASSES)
    for (let i = 0; i < 120; i++) {
      const bag = benignBag(random, 0.3)
      scans.push({
        source: 'test',
        group: `${c}${i}`,
        labels: { ...mapClasses(() => 0 as const), [c]: 1 },
        fused: { ...bag, [c]: bag[c] + 5 * WIDTHS[c] },
      })
    }
  return writeScores(scans)
}

async function makeStation(folder = tempFolder(), scores: string | null = heldOut()) {
  const { store, clock } = tempStore(folder)
  const station = createStation({
    ...store,
    inference,
    renditions: { shown: none, thumb: none } as never,
    clock,
    heldOutScores: () => Promise.resolve(scores),
  })
  await station.start()
  let n = 0
  const screen = async (fused: PerClass<number>) => {
    const text = JSON.stringify(fused)
    await station.submit({ lane: 'north', path: `/${clock.at}-${n++}.json`, content: { bytes: bytesOf(text) } })
    await station.idle()
    const [bag] = station.recent(1)
    if (!bag) throw new Error('no bag')
    return bag
  }
  const draftOf = () => policyDraft.parse(store.policies.current())
  const end = async () => {
    await station.stop()
    store.close()
  }
  return { station, store, screen, draftOf, end, folder }
}
const quiet = mapClasses(() => -20)

test('set, try, save: the next bag is judged by the new version; roll back, and the old thresholds hold again', async () => {
  const { station, store, screen, draftOf, end } = await makeStation()
  const first = store.policies.current()
  expect(first.anyAlarm, 'the first policy already says what it promises').toMatchObject({ benign: 2000, moreBenignNeeded: null })
  expect(first.classes.gun.alarm.promise?.positives).toBe(120)

  const bag = { ...quiet, gun: 2 } // between the manifest's advisory 1 and alarm 4
  expect((await screen(bag)).verdict).toBe('advisory')
  const confirmed = await screen({ ...quiet, gun: 4.5 })
  expect(confirmed.verdict).toBe('alarm')
  station.review({ id: confirmed.id, kind: 'confirmed', found: [{ class: 'gun', where: null }], comment: null, person: 'Sam' })

  const draft = station.alarms.share({ draft: draftOf(), tier: 'alarm', by: { kind: 'budget-per-1000', value: 5, scope: 'bag' } })
  const effect = draftEffect.parse(station.alarms.try({ draft, lastBags: 100 }))
  expect(effect.anyAlarm.falseAlarmUpper95).toBeLessThanOrEqual(0.005)
  expect(effect.anyAlarm.moreBenignNeeded).toBe(0)
  expect(effect.replay).toMatchObject({
    bags: 2,
    inForce: { alarms: 1, advisories: 1, confirmed: 1 },
    draft: { alarms: 2, advisories: 0, confirmed: 1 },
    differ: [confirmed.id - 1],
  })
  expect(effect.promises.gun.alarm.positives, 'the confirmed bag is in the sample').toBe(121)

  const saved = station.alarms.save({ draft, person: 'Sam', reason: 'five per thousand' })
  expect(saved).toMatchObject({ version: 2, author: 'Sam', reason: 'five per thousand', anyAlarm: { moreBenignNeeded: 0 } })
  expect(await screen({ ...bag, knife: -19 })).toMatchObject({ verdict: 'alarm', policy: 2 })

  const back = station.alarms.rollBack({ version: 1, person: 'Sam', reason: 'too many' })
  expect(back).toMatchObject({ version: 3, classes: first.classes, reason: 'Back to policy 1: too many' })
  expect(await screen({ ...bag, knife: -18 })).toMatchObject({ verdict: 'advisory', policy: 3 })
  expect(() => station.alarms.rollBack({ version: 99, person: 'Sam', reason: 'x' })).toThrow(/no alarm policy 99/)
  await end()
}, 30_000)

test('the Alarms screen’s answers satisfy the contract, and refusals say why', async () => {
  const { station, draftOf, end } = await makeStation()
  const alarms = classScores.parse(station.alarms.of({ class: 'knife' }))
  expect(alarms).toMatchObject({ benign: 2000, positives: 120 })
  expect(alarms.histogram.benign.reduce((a, b) => a + b)).toBe(2000)
  for (const [i, point] of alarms.curve.entries()) {
    const before = alarms.curve[i - 1]
    if (before) {
      expect(point.threshold).toBeLessThan(before.threshold)
      expect(point.falseAlarmRate).toBeGreaterThanOrEqual(before.falseAlarmRate)
      expect(point.recall).toBeGreaterThanOrEqual(before.recall)
    }
    expect(point.falseAlarmInterval[0]).toBeLessThanOrEqual(point.falseAlarmRate)
    expect(point.falseAlarmInterval[1]).toBeGreaterThanOrEqual(point.falseAlarmRate)
  }
  expect(alarms.curve.at(-1)).toMatchObject({ falseAlarmRate: 1, recall: 1 })
  expect(() =>
    station.alarms.set({ draft: draftOf(), class: 'gun', tier: 'alarm', by: { kind: 'recall', value: 0.999 } }),
  ).toThrow(Refused)
  expect(() =>
    station.alarms.set({
      draft: { ...draftOf(), calibration: 9 },
      class: 'gun',
      tier: 'alarm',
      by: { kind: 'cost-ratio', value: 10 },
    }),
  ).toThrow(/no calibration 9/)
  await end()
})

test('the lane’s own scores: not ready, then a proposal that holds the rate; nothing changes by itself; a restart forgets nothing', async () => {
  const folder = tempFolder()
  const first = await makeStation(folder)
  const early = laneProposal.parse(first.station.alarms.proposal({ per1000: 10 }))
  expect(early).toMatchObject({ ready: false, draft: null })
  expect(early.says).toContain('299')
  const random = randomOf(11)
  for (let i = 0; i < 400; i++) await first.screen(benignBag(random, 0.3))
  expect(first.store.policies.current().version).toBe(1)
  const before = laneProposal.parse(first.station.alarms.proposal({ per1000: 10 }))
  expect(before).toMatchObject({ ready: true, bags: 400 })
  await first.end()

  const second = await makeStation(folder)
  const after = laneProposal.parse(second.station.alarms.proposal({ per1000: 10 }))
  expect(after).toEqual(before)
  const { draft } = after
  if (!draft) throw new Error('no draft')
  const effect = second.station.alarms.try({ draft, lastBags: 400 })
  expect(effect.replay.draft.alarms, 'zero of 400 keeps 10 per 1,000').toBe(0)
  expect(draft.classes.gun.alarm).toMatchObject({ setBy: { kind: 'lane-quantile', value: 10 }, promise: { benign: 400 } })
  expect(driftReport.parse(second.station.alarms.drift()).signals.find((s) => s.id === 'scores-gun')).toMatchObject({
    state: 'steady',
    bags: 400,
  })
  const saved = second.station.alarms.save({ draft, person: 'Sam', reason: 'from the lane' })
  expect(saved.version).toBe(2)
  await second.end()
}, 120_000)

test('without held-out scores every promise is the worst, and a person is told', async () => {
  const { station, draftOf, end } = await makeStation(tempFolder(), null)
  expect((await station.status()).troubles.map((t) => t.text).join()).toContain('without held-out scores')
  const effect = draftEffect.parse(station.alarms.try({ draft: draftOf(), lastBags: 10 }))
  expect(effect.anyAlarm).toMatchObject({ falseAlarmUpper95: 1, recall: null })
  expect(effect.warnings[0]).toContain('nothing can be promised')
  await end()
})

test('scores that are not what they should be are refused with the line', async () => {
  const { station, end } = await makeStation(tempFolder(), 'source,group,gun\na,b,1\n')
  expect((await station.status()).troubles.map((t) => t.text).join()).toContain('no column "knife"')
  await end()
})
