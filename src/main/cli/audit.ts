// `lanescope audit`: checks that nobody changed what people decided, and prints the hash to keep elsewhere.
import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { dataFolder, type BookOptions } from './book'
import { EXIT, UsageError } from './exit'

interface AuditOptions extends Pick<BookOptions, 'data'> {
  json?: boolean
}

export function register(program: Command): void {
  program
    .command('audit')
    .summary('check the record of decisions and policies for tampering')
    .description(
      'Walks the hash chain over every decision, outcome, policy and calibration, and compares it with what the log shows. The station may run beside it.\n' +
        'Rows cut off the end leave no trace in the chain itself: keep the printed hash elsewhere to notice that.',
    )
    .option('--data <dir>', "the lane's data folder (default: where the station keeps it)")
    .option('--json', 'one JSON object on stdout, nothing else there')
    .addHelpText('after', '\nExit code: 0 when the record is whole, 65 when it was tampered with, 64 for wrong use.')
    .action(async (options: AuditOptions) => {
      process.exitCode = await run(options)
    })
}

async function run(options: AuditOptions): Promise<number> {
  const folder = dataFolder(options)
  if (!existsSync(join(folder, 'lanescope.sqlite')))
    throw new UsageError(`There is no lane in ${folder}: name its data folder with --data DIR.`)
  const { openStore } = await import('../store')
  const store = openStore({ folder, exclusive: false })
  try {
    const found = store.verifyAudit()
    const words = found.ok
      ? `The record is whole: ${found.rows} rows, last hash ${found.head}`
      : `The record was tampered with: row ${found.brokenAt} of ${found.rows}, ${found.why}.`
    process.stdout.write(`${options.json ? JSON.stringify(found) : words}\n`)
    return found.ok ? EXIT.ok : EXIT.tampered
  } finally {
    store.close()
  }
}
