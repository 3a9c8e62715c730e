// Dropped files.
import { describe, expect, it } from 'vitest'
import { Dropped } from '../../../src/main/feed/dropped'
import { jpeg, recorder } from './helpers'

describe('Dropped', () => {
  it('hands files over one at a time, by their last name, and counts them', async () => {
    const { submit, scans } = recorder()
    const dropped = new Dropped()
    await dropped.start(submit)
    const answers = await Promise.all(
      ['bag.jpg', 'C:\\scans\\two.png', '../../etc/passwd', '..', 'a\u0000b\n.jpg'].map((name) =>
        dropped.drop(name, { bytes: jpeg(name) }),
      ),
    )
    expect(answers.every(({ result }) => result === 'received')).toBe(true)
    expect(scans.map(({ path }) => path)).toEqual(
      ['bag.jpg', 'two.png', 'passwd', 'unnamed', 'ab.jpg'].map((name) => `dropped:/${name}`),
    )
    expect(dropped.status()).toMatchObject({ kind: 'dropped', state: 'live', seen: 5 })
  })

  it('answers refused, with the reason, when the station cannot take a file or is closing', async () => {
    const dropped = new Dropped()
    expect(await dropped.drop('a.jpg', { bytes: jpeg('a') })).toEqual({ result: 'refused', why: 'The station is closing.' })
    await dropped.start(() => Promise.reject(new Error('The disk is full.')))
    expect(await dropped.drop('a.jpg', { bytes: jpeg('a') })).toEqual({ result: 'refused', why: 'The disk is full.' })
    expect(dropped.status().seen).toBe(0)
  })
})
