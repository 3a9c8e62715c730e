// What a served station keeps from one run to the next, so that its open pages find it again: its port and the key behind their passes.
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import type { Say } from '../station/ports'

const schema = z.object({
  /** where it listened last; null before the first time */
  port: z.number().int().min(1).max(65535).nullable(),
  /** 256 bits, base64url */
  key: z.string().regex(/^[\w-]{43}$/),
})

export interface Kept {
  port: number | null
  key: Buffer
  /** Keeps the port for the next start. Never throws. */
  keepPort(port: number): void
}

/**
 * Reads `served.json` of the data folder, readable by the owner alone like everything there; makes it where it is missing or damaged (open
 * pages then need the new address). Never throws: without it the station only starts as for the first time.
 */
export function openKept(folder: string, say: Say): Kept {
  const file = join(folder, 'served.json')
  const read = (): z.infer<typeof schema> | null => {
    try {
      return schema.parse(JSON.parse(readFileSync(file, 'utf8')))
    } catch {
      return null
    }
  }
  const kept = read() ?? { port: null, key: randomBytes(32).toString('base64url') }
  return {
    port: kept.port,
    key: Buffer.from(kept.key, 'base64url'),
    keepPort: (port) => {
      try {
        writeFileSync(`${file}.new`, JSON.stringify({ port, key: kept.key }), { mode: 0o600 })
        renameSync(`${file}.new`, file)
      } catch (error) {
        say(`the port could not be kept for the next start: ${error instanceof Error ? error.message : String(error)}`, 'warn')
      }
    },
  }
}
