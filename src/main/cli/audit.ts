// `lanescope audit`: checks that nobody changed what was recorded, and prints number and hash of the record's head, to be kept elsewhere.
import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import type { AuditFinding } from '../store'
import { dataFolder, type BookOptions } from './book'
import { EXIT, UsageError } from './exit'
import { out } from './terminal'

interface AuditOptions extends Pick<BookOptions, 'data' | 'key'> {
  json?: boolean
}
/** Findings that are listed in words; --json has them all. */
const LISTED = 20

export function register(program: Command): void {
  program
    .command('audit')
    .summary('check the whole record for tampering')
    .description(
      'Walks the chain over every bag, score, verdict, decision, outcome, policy, calibration and audit row, compares each with its table, and checks\n' +
        "the chain's end against the station's signature and the head kept beside its key. The station may run beside it. A million bags take\n" +
        'one to two minutes. Keep the printed head elsewhere, too: a later audit must still have that link.',
    )
    .option('--data <dir>', "the lane's data folder (default: where the station keeps it)")
    .option('--key <file>', "the station's key (default: $LANESCOPE_KEY, else lanescope.key in the data folder)")
    .option('--json', 'one JSON object on stdout, nothing else there')
    .addHelpText(
      'after',
      '\nExit code: 0 when the record is whole, 65 when it was tampered with or cannot be read, 66 when the key is not there, so that the end cannot be\nvouched for, 64 for wrong use.',
    )
    .action(async (options: AuditOptions) => {
      process.exitCode = await run(options)
    })
}

async function run(options: AuditOptions): Promise<number> {
  const folder = dataFolder(options)
  const { databaseIn } = await import('../store')
  if (!existsSync(databaseIn(folder)))
    throw new UsageError(`There is no lane in ${folder}: name its data folder with --data DIR.`)
  const found = await check(folder, options.key)
  await out(...(options.json ? [JSON.stringify(found)] : words(found)))
  return found.ok ? EXIT.ok : found.tampered ? EXIT.tampered : EXIT.noKey
}

async function check(folder: string, key: string | undefined): Promise<AuditFinding> {
  const { openStore } = await import('../store')
  try {
    const store = openStore({ folder, key, exclusive: false })
    try {
      return store.verifyAudit()
    } finally {
      store.close()
    }
  } catch (error) {
    // a record that does not open was not found whole
    const why = error instanceof Error ? error.message : String(error)
    const finding = { at: null, what: 'the database', why }
    return { ok: false, tampered: true, brokenAt: 0, why, findings: [finding], rows: 0, links: 0, head: '', notes: [] }
  }
}

function words(found: AuditFinding): string[] {
  const notes = found.notes.map((note) => `Note: ${note}`)
  const head = `${found.rows} audit rows, ${found.links} links, last hash ${found.head}`
  if (found.ok) return [`The record is whole: ${head}`, ...notes]
  if (!found.tampered) return [`The record cannot be vouched for: ${found.why} (${head}).`, ...notes]
  const more = found.findings.length - LISTED
  return [
    `The record was tampered with, or is damaged (${head}):`,
    ...found.findings.slice(0, LISTED).map(({ what, why }) => `  ${what}: ${why}`),
    ...(more > 0 ? [`  and ${more} more (--json lists them)`] : []),
    ...notes,
  ]
}
