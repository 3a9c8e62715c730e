// Opens the record of a data folder: key, chain and audit; takes over older databases, and writes down what it finds broken.
import type { Clock } from '../station/ports'
import { plainReason } from '../station/reasons'
import { adopt, reseal } from './adopt'
import { Audit } from './audit'
import { Chain } from './chain'
import { versionOf, type Db } from './database'
import { isUnsigned, openSigner } from './keyring'
import { mendSchema } from './schema'
import { Seals } from './seals'

export interface OpenRecord {
  audit: Audit
  chain: Chain
  seals: Seals
  /** what a person must be told, in plain words */
  findings: string[]
}

/** Throws where the key cannot be read. `exclusive`: the station itself, which mends and writes down what it finds. */
export function openRecord(
  db: Db,
  { keyFile, exclusive, clock }: { keyFile: string; exclusive: boolean; clock: Clock },
): OpenRecord {
  const findings: string[] = []
  const mended = exclusive ? mendSchema(db, versionOf(db)) : []
  const hasChain = db.prepare('SELECT 1 FROM chain_head UNION ALL SELECT 1 FROM links LIMIT 1').get() !== undefined
  const failed = (error: unknown): void => void findings.push(`The head of the record cannot be kept: ${plainReason(error)}`)
  const { signer, isNew } = openSigner(keyFile, { hasChain, replace: exclusive, failed })
  const chain = new Chain(db, signer)
  const audit = new Audit(db)
  const seals = new Seals(db, signer?.key ?? null)
  const enter = (action: string, detail: Record<string, unknown>): void =>
    chain.write((bind) => void audit.add({ at: clock.now(), person: null, action, subject: 'station', detail }, bind))
  chain.onBroken = (why) => {
    findings.push(`The record was tampered with: ${why}.`)
    enter('broken', { why })
  }
  if (isNew) {
    const { seq: links = 0, hash = '' } = chain.head() ?? {}
    chain.goOn(() => {
      reseal(db, chain, seals)
      enter('new-key', { key: signer?.key.id ?? '', links, hash })
    })
    findings.push(
      `The key that signs the record (${keyFile}) was missing. A new one was made: whether the record was changed before cannot be told.`,
    )
  } else if (signer && isUnsigned(chain)) adopt(db, chain, audit, seals, clock.now())
  if (exclusive) {
    const why = [chain.fault(), mended.length > 0 ? `the database's rules were changed: ${mended.join(', ')}` : null]
    for (const fault of why) if (fault !== null) confess(db, chain, fault, findings)
  }
  return { audit, chain, seals, findings }
}

/** Enters a break once: the same one found at every start is not entered again. */
function confess(db: Db, chain: Chain, why: string, findings: string[]): void {
  const last = db
    .prepare<[], string>("SELECT detail ->> 'why' FROM audit WHERE action = 'broken' ORDER BY seq DESC LIMIT 1")
    .pluck()
    .get()
  if (last === why) findings.push(`The record was tampered with: ${why}.`)
  else chain.confess(why)
}
