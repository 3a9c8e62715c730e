// `lanescope restore`: puts a backup in the place of a damaged database, and says what it does not have.
import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { dataFolder, type BookOptions } from './book'
import { EXIT, UsageError } from './exit'
import { err, out } from './terminal'

interface RestoreOptions extends Pick<BookOptions, 'data' | 'key'> {
  from?: string
  list?: boolean
}

export function register(program: Command): void {
  program
    .command('restore')
    .summary('put a backup in the place of a damaged database')
    .description(
      'Takes the newest of the backups that the station makes every hour and before each upgrade, or the one that is named. The former database is\n' +
        'kept aside. Says what the backup does not have; the record says for ever that it goes on from a backup. Stop the station first.',
    )
    .option('--data <dir>', "the lane's data folder (default: where the station keeps it)")
    .option('--key <file>', "the station's key (default: $LANESCOPE_KEY, else lanescope.key in the data folder)")
    .option('--from <file>', 'this backup instead of the newest')
    .option('--list', 'only list the backups')
    .action(async (options: RestoreOptions) => {
      process.exitCode = await run(options)
    })
}

async function run(options: RestoreOptions): Promise<number> {
  const folder = dataFolder(options)
  const { backupsOf, restore } = await import('../store/restore')
  const backups = existsSync(folder) ? backupsOf(folder) : []
  if (options.list) {
    await out(...backups.map(({ file, at }) => `${new Date(at).toISOString()}  ${file}`))
    return EXIT.ok
  }
  const from = options.from === undefined ? backups[0]?.file : resolve(options.from)
  if (from === undefined)
    throw new UsageError(`There is no backup in ${folder}: name the data folder with --data DIR, or a file with --from.`)
  if (!existsSync(from)) throw new UsageError(`There is no file ${from}.`)
  try {
    const { says, aside } = restore(folder, from, { key: options.key, now: Date.now() })
    await out(...`Restored ${says}`.split('\n'), ...(aside === null ? [] : [`The former database is kept as ${aside}.`]))
    return EXIT.ok
  } catch (error) {
    err(`error: ${error instanceof Error ? error.message : String(error)}`)
    return EXIT.software
  }
}
