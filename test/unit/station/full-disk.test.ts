// A disk that is really full: a data folder on a tiny file system in memory. Needs the right to mount; skipped by name without it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeStation } from './make'

/** A file system of this size, or null where mounting is not allowed. */
function tinyDisk(size: string): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'lanescope-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'lanescope-test', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmdirSync(folder)
    return null
  }
}
function release(folder: string): void {
  execFileSync('umount', [folder])
  rmdirSync(folder)
}
const probe = process.getuid?.() === 0 ? tinyDisk('64k') : null
if (probe !== null) release(probe)

test.skipIf(probe === null)('a full disk: no bag is clear or lost, and when there is room again the lane goes on', async () => {
  const disk = tinyDisk('6m') ?? ''
  onTestFinished(() => release(disk))
  const { station, store, scan, close } = makeStation({ folder: join(disk, 'data') })
  onTestFinished(close)
  await station.start()
  await scan('before')
  await station.idle()
  const ballast = join(disk, 'ballast')
  // all that is left, to the last block
  for (const block of [64 * 1024, 4096, 512])
    for (let i = 0; ; i += 1)
      try {
        writeFileSync(`${ballast}-${block}-${i}`, Buffer.alloc(block))
      } catch {
        rmSync(`${ballast}-${block}-${i}`, { force: true })
        break
      }
  for (let i = 0; i < 20; i += 1) expect(await scan(`full ${i}`, 'x'.repeat(200_000) + String(i))).toBe('received')
  await station.idle()
  const during = station.recent(100).filter((b) => b.path.includes('full'))
  expect(during).toHaveLength(20)
  for (const bag of during) {
    expect(bag.verdict).toBe('unscreenable')
    expect(bag.reason).toMatch(/disk/i)
  }
  expect((await station.status()).troubles.map((t) => t.text).join()).toMatch(/full/)
  execFileSync('sh', ['-c', `rm "${ballast}"-*`])
  await scan('after')
  await station.idle()
  const bags = store.log.recent(100)
  expect(bags.find((b) => b.path.includes('after'))?.verdict).toBe('clear')
  expect(bags.filter((b) => b.path.includes('full')).map((b) => b.verdict)).toEqual(
    Array.from({ length: 20 }, () => 'unscreenable'),
  )
  expect(store.verifyAudit()).toMatchObject({ ok: true })
})
