// The words a station is started with: one parser for `npm start`, `lanescope start`, the served root and Electron's.
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, relative, resolve, isAbsolute } from 'node:path'

export interface FeedOption {
  lane: string
  directory: string
}
export interface StartOptions {
  feeds: FeedOption[]
  replay: { lane: string; directory: string; rate: number } | null
  /** where database and archive live; absolute */
  data: string
  /** the file with the key that signs the record; null: $LANESCOPE_KEY, else in the data folder */
  key: string | null
  /** 0: any free port */
  port: number
  /** serve without opening a window */
  headless: boolean
  /** look regularly instead of trusting change reports */
  polling: boolean
  /** a folder of models, or one manifest; null: the program's own */
  models: string | null
  /** nothing was named: the bundled demo plays */
  demo: boolean
}
/** Wrong use of the command line: the message is for the person, the exit code is 64 (sysexits' EX_USAGE). */
export class WrongUse extends Error {
  override name = 'WrongUse'
}
export const EXIT_WRONG_USE = 64
/** Bags an hour of a replay that names no rate, and of the demo: a newcomer should see bags within seconds. */
const RATE = 300
const DEMO_RATE = 900

/** Where a lane's data lives when nobody says: `$XDG_DATA_HOME/lanescope` (Linux), the usual places elsewhere. */
export function dataHome(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'Lanescope')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Lanescope')
  const xdg = env['XDG_DATA_HOME']
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.local', 'share'), 'lanescope')
}

const positive = (what: string) => (value: string) => {
  const number = Number(value)
  if (!Number.isFinite(number) || number <= 0 || value.trim() === '')
    throw new InvalidArgumentError(`${what} must be a number above 0.`)
  return number
}
function portNumber(value: string): number {
  const port = Number(value)
  if (!/^\d+$/.test(value) || port > 65535)
    throw new InvalidArgumentError('A port is a whole number from 0 (any free one) to 65535.')
  return port
}
const several = (value: string, before: string[]): string[] => [...before, value]

interface Raw {
  feed: string[]
  replay?: string
  rate?: number
  data?: string
  key?: string
  port: number
  headless: boolean
  polling: boolean
  models?: string
}

/** Gives a command the options of a start; `toStartOptions(command.opts())` reads them. */
export function addStartOptions(command: Command): Command {
  return command
    .option('--feed <[NAME=]DIR>', 'watch a hot folder; NAME names the lane; may be repeated', several, [])
    .option('--replay <DIR>', 'play the scans of a folder as if the belt ran')
    .option('--rate <N>', `bags an hour of the replay (default ${RATE})`, positive('The rate'))
    .option('--data <DIR>', `where database and archive live (default ${dataHome()})`)
    .option(
      '--key <FILE>',
      'the key that signs the record, made if missing (default: $LANESCOPE_KEY, else lanescope.key in the data folder)',
    )
    .option('--polling', 'look into the feeds regularly instead of relying on change reports (network shares)', false)
    .option('--models <DIR>', 'a folder of models, or one manifest, instead of the bundled one')
    .option('--port <N>', 'port of the served screens on 127.0.0.1 (default: any free one)', portNumber, 0)
    .option('--headless', 'serve without opening a window', false)
}

/** Checks what commander can't. Throws `WrongUse`. */
export function toStartOptions(raw: Record<string, unknown>): StartOptions {
  const r = raw as unknown as Raw
  const feeds = r.feed.map(feedOption)
  const lanes = new Set<string>()
  for (const { lane, directory } of feeds) {
    if (lanes.has(lane)) throw new WrongUse(`Two feeds are named "${lane}": name them with --feed NAME=DIR.`)
    lanes.add(lane)
    // A share that is not mounted yet is waited for; a file in a folder's place is a mistake.
    if (existsSync(directory) && !statSync(directory).isDirectory())
      throw new WrongUse(`--feed ${directory}: that is not a folder.`)
    const around = feeds.find((other) => other.directory !== directory && isInside(directory, other.directory))
    if (around)
      throw new WrongUse(`The feed ${directory} lies inside the feed ${around.directory}: its scans would be screened twice.`)
    if (feeds.some((other) => other.lane !== lane && other.directory === directory))
      throw new WrongUse(`${directory} is named as a feed twice.`)
  }
  if (r.rate !== undefined && r.replay === undefined) throw new WrongUse('--rate belongs to --replay.')
  const replay = r.replay === undefined ? null : { lane: 'replay', directory: resolve(r.replay), rate: r.rate ?? RATE }
  if (replay && lanes.has('replay')) throw new WrongUse('The lane name "replay" is taken by --replay.')
  if (lanes.has('dropped')) throw new WrongUse('The lane name "dropped" is taken by files dropped on the window.')
  if (replay && !isFolder(replay.directory)) throw new WrongUse(`--replay ${replay.directory}: there is no such folder.`)
  if (r.models !== undefined && !existsSync(r.models))
    throw new WrongUse(`--models ${r.models}: there is no such file or folder.`)
  const demo = feeds.length === 0 && replay === null
  // Demo bags never mix with a lane's log.
  const data = resolve(r.data ?? (demo ? `${dataHome()}-demo` : dataHome()))
  const eaten = feeds.find(({ directory }) => isInside(data, directory) || data === directory)
  if (eaten)
    throw new WrongUse(
      `The data folder ${data} lies inside the feed ${eaten.directory}: archived scans would be screened as new bags.`,
    )
  return {
    feeds,
    replay,
    data,
    key: r.key === undefined ? null : resolve(r.key),
    port: r.port,
    headless: r.headless,
    polling: r.polling,
    models: r.models === undefined ? null : resolve(r.models),
    demo,
  }
}

/** The bundled demo as a replay. */
export const demoReplay = (directory: string): NonNullable<StartOptions['replay']> => ({
  lane: 'demo',
  directory,
  rate: DEMO_RATE,
})

/** `bundled` at or above `from`, e.g. `resources/demo`; null where there is none. */
export function findBundled(from: string, ...parts: string[]): string | null {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, ...parts)
    if (existsSync(candidate)) return candidate
    if (dirname(directory) === directory) return null
  }
}

/** Parses a root's arguments (without node and script). Throws `WrongUse`; returns null when help was asked for (and printed). */
export function parseStart(args: string[], name: string): StartOptions | null {
  const command = addStartOptions(new Command(name))
    .description('Starts a station and its screens. Without --feed and --replay it plays the bundled demo.')
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed') return null
    throw new WrongUse(error.message.replace(/^error: /, ''))
  }
  if (command.args.length > 0)
    throw new WrongUse(`I don't know what to do with "${command.args.join(' ')}": folders are named with --feed or --replay.`)
  return toStartOptions(command.opts())
}

function feedOption(value: string): FeedOption {
  const named = /^([^=/\\]{1,40})=(.+)$/.exec(value)
  const directory = resolve(named?.[2] ?? value)
  const lane = named?.[1]?.trim() ?? directory.split(/[/\\]/).findLast((part) => part !== '') ?? 'lane'
  if (lane === '') throw new WrongUse(`--feed ${value}: the lane's name is empty.`)
  return { lane, directory }
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '' && !way.startsWith('..') && !isAbsolute(way)
}
const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory()
