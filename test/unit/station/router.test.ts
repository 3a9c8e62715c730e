// The contract over a real station: arguments are checked, refusals are typed, answers are valid, people's work is kept.
import { createRouterClient, isDefinedError, safe } from '@orpc/server'
import { expect, test } from 'vitest'
import type { Finding, Place } from '../../../src/shared/bag'
import { createRouter } from '../../../src/main/station/router'
import { bad, makeStation, ok, type Made } from './make'

async function served() {
  const made: Made = makeStation()
  made.inference.answer = (text) =>
    text.includes('gun') ? ok({ gun: 9 }) : text.includes('silent') ? ok({ gun: 2 }) : text.includes('bad') ? bad('broken') : ok()
  await made.station.start()
  for (const name of ['gun', 'clear', 'bad']) await made.scan(name)
  await made.station.idle()
  return { ...made, client: createRouterClient(createRouter(made.station)) }
}
const decision = { action: 'search', person: 'Ada', reason: null, seconds: 3.5 } as const
const gun: Finding = { class: 'gun', where: { shape: 'point', x: 0.5, y: 0.5 } }
const knife: Finding = { class: 'knife', where: { shape: 'box', x: 0.5, y: 0.5, width: 0.25, height: 0.5 } }
const outcome = { kind: 'confirmed' as const, found: [gun, knife], comment: null, person: 'Cy' }

test('bags can be listed, got, searched, and told of', async () => {
  const { client, scan } = await served()
  expect((await client.bags.recent({ limit: 2 })).map((b) => b.verdict)).toEqual(['unscreenable', 'clear'])
  expect(await client.bags.get({ id: 1 })).toMatchObject({ verdict: 'alarm', policy: 1 })
  const page = await client.bags.search({ filter: { class: 'gun', tier: 'alarm' }, limit: 10 })
  expect([page.bags.map((b) => b.id), page.next, page.total]).toEqual([[1], null, 1])
  expect((await client.bags.history({ id: 3 })).map((h) => h.action)).toEqual(['received', 'screened'])
  expect(await client.status()).toMatchObject({ today: { bags: 3, alarms: 1, unscreenable: 1 } })
  const events = await client.events()
  expect((await events.next()).value).toMatchObject({ type: 'status' })
  await scan('another')
  expect((await events.next()).value).toMatchObject({ type: 'bag', bag: { id: 4 } })
  await events.return()
})

test('a decision and an outcome are kept, told of, and change no verdict', async () => {
  const { client, store } = await served()
  const events = await client.events()
  await events.next()
  expect(await client.bags.decide({ id: 1, ...decision })).toMatchObject({
    verdict: 'alarm',
    decision: { action: 'search', seconds: 3.5 },
  })
  expect((await events.next()).value).toMatchObject({ bag: { id: 1, decision: { person: 'Ada' } } })
  await client.bags.review({ id: 1, ...outcome, comment: '  in the sole ' })
  await client.bags.review({ id: 1, ...outcome, kind: 'false-alarm' })
  const bag = await client.bags.get({ id: 1 })
  // a class and a place belong to what was found
  expect(bag).toMatchObject({ verdict: 'alarm', outcome: { kind: 'false-alarm', found: [], person: 'Cy' } })
  const history = await client.bags.history({ id: 1 })
  expect(history.map((h) => h.action)).toEqual(['received', 'screened', 'decide', 'review', 'review'])
  expect(history[3]?.detail).toMatchObject({ kind: 'confirmed', found: [gun, knife], comment: 'in the sole' })
  expect(store.verifyAudit()).toMatchObject({ ok: true })
  await events.return()
})

test.each([
  ['a bag that does not exist', 99, 'NOT_FOUND'],
  ['an outcome that does not fit', 2, 'REFUSED'],
])('%s is a typed error', async (_, id, code) => {
  const { client } = await served()
  const [error] = await safe(client.bags.review({ id, ...outcome }))
  expect(isDefinedError(error) && error.code).toBe(code)
})

test.each([
  ['missed on a bag with an alarm', 1, { ...outcome, kind: 'missed' as const }, 'confirmed'],
  ['confirmed on a clear bag', 2, outcome, 'missed'],
  ['false alarm on a clear bag', 2, { ...outcome, kind: 'false-alarm' as const }, 'no alarm'],
  ['missed on a bag that could not be screened', 3, { ...outcome, kind: 'missed' as const }, 'confirmed'],
  ['confirmed without a class', 1, { ...outcome, found: [] }, 'which class'],
  ['a class named twice', 1, { ...outcome, found: [gun, { ...gun, where: null }] }, 'each class once'],
])('%s is refused with a reason and leaves no trace', async (_, id, input, why) => {
  const { client, store } = await served()
  const [error] = await safe(client.bags.review({ id, ...input }))
  if (!isDefinedError(error) || error.code !== 'REFUSED') throw new Error(`not a refusal: ${String(error)}`)
  expect(error.data.why).toContain(why)
  expect(store.log.get(id)?.outcome).toBeNull()
})

test.each([
  ['clear', 'clear'],
  ['silent', 'advisory'],
])('threats missed in a %s bag can be marked, with every class and its place', async (name, verdict) => {
  const { client, scan, station } = await served()
  await scan(`${name} again`)
  await station.idle()
  const bag = await client.bags.review({ id: 4, ...outcome, kind: 'missed' })
  expect(bag).toMatchObject({ verdict, outcome: { kind: 'missed', found: [gun, knife] } })
})

test('a threat in a bag with an advisory may have been found by it, too', async () => {
  const { client, scan, station } = await served()
  await scan('silent')
  await station.idle()
  expect(await client.bags.review({ id: 4, ...outcome })).toMatchObject({ verdict: 'advisory', outcome: { kind: 'confirmed' } })
})

test('arguments that break the contract are refused before they reach the station', async () => {
  const { client, store } = await served()
  const before = store.verifyAudit()
  await expect(client.bags.decide({ id: 1, ...decision, person: '  ' })).rejects.toThrow()
  await expect(client.bags.decide({ id: 1, ...decision, action: 'burn' as 'hold' })).rejects.toThrow()
  await expect(client.bags.recent({ limit: 1e9 })).rejects.toThrow()
  const elsewhere: Place[] = [
    { shape: 'point', x: 7, y: 0 },
    { shape: 'box', x: 0.8, y: 0, width: 0.3, height: 0.1 },
    { shape: 'box', x: 0.8, y: 0, width: 0, height: 0.1 },
  ]
  for (const where of elsewhere)
    await expect(client.bags.review({ id: 1, ...outcome, found: [{ class: 'gun', where }] })).rejects.toThrow()
  await expect(client.bags.search({ filter: { lane: 5 as never }, limit: 10 })).rejects.toThrow()
  expect(store.verifyAudit()).toEqual(before)
})

test('policies and calibrations by version; one that does not exist is NOT_FOUND', async () => {
  const { client } = await served()
  expect(await client.policy.current()).toMatchObject({ version: 1 })
  expect(await client.policy.list()).toHaveLength(1)
  expect(await client.policy.calibration({ version: 1 })).toMatchObject({ model: 'test-model@1' })
  const [noPolicy] = await safe(client.policy.get({ version: 9 }))
  const [noCalibration] = await safe(client.policy.calibration({ version: 9 }))
  expect(isDefinedError(noPolicy) && noPolicy.code).toBe('NOT_FOUND')
  expect(isDefinedError(noCalibration) && noCalibration.code).toBe('NOT_FOUND')
})

test('a bag that is still being screened cannot be decided on', async () => {
  const { client, store } = await served()
  const { id } = store.log.receive({ lane: 'n', path: '/w', content: { sha256: 'w' }, kept: true, receivedAt: 1 })
  const [error] = await safe(client.bags.decide({ id, ...decision }))
  expect(isDefinedError(error) && error.code).toBe('REFUSED')
})
