// `npm run bench`: the station and `scan` against their libraries alone (the floor) and against plain and tuned Python, pairs alternating in one run.
//
//   npm run bench -- [--scans DIR] [--count 100] [--rounds 3] [--python PATH] [--write]
//
// Ratios are what to read: absolute times are this machine's at this hour. --write puts the table into docs/BENCHMARKS.md.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { build } from 'vite'

const root = resolve(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    scans: { type: 'string', default: join(root, '../shared/data/sixray/JPEGImage') },
    count: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    python: { type: 'string', default: join(root, '.venv/bin/python') },
    write: { type: 'boolean', default: false },
  },
})
const all = readdirSync(values.scans).sort()
const step = Math.max(1, Math.floor(all.length / Number(values.count)))
const files = all.filter((_, i) => i % step === 0).map((name) => join(values.scans, name))

const out = join(root, '.cache/bench')
await build({
  root,
  configFile: false,
  logLevel: 'error',
  build: {
    ssr: true,
    outDir: out,
    emptyOutDir: true,
    target: 'node22',
    rolldownOptions: {
      input: {
        'inference-process': join(root, 'src/main/inference/process.ts'),
        cli: join(root, 'src/main/cli.ts'),
        floor: join(root, 'bench/floor.ts'),
        station: join(root, 'bench/station.ts'),
      },
      output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' },
    },
  },
})

interface ModelLine {
  manifest: string
  name: string
  default: boolean
}
const models = spawnSync(process.execPath, [join(out, 'cli.js'), 'models', '--json'], { encoding: 'utf8' })
const manifest = (JSON.parse(models.stdout.split('\n')[0] ?? '') as ModelLine).manifest

/** Runs a command that prints a line a scan; ms a scan from its first line to its last, so that its start does not count. */
function timed(command: string, args: string[]): Promise<number> {
  return new Promise((fulfil, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const at: number[] = []
    createInterface({ input: child.stdout }).on('line', () => at.push(performance.now()))
    child.on('error', reject)
    child.on('close', () => {
      if (at.length < files.length) reject(new Error(`${command} told of ${at.length} of ${files.length} scans`))
      else fulfil(((at.at(-1) ?? 0) - (at[0] ?? 0)) / (at.length - 1))
    })
  })
}
function json(script: string, args: string[]): unknown {
  const run = spawnSync(process.execPath, [join(out, script), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(run.stdout)
}

interface Floor {
  decode: number
  network: number
}
interface StationRun {
  full: number
  trickle: { p50: number; p95: number; scans: number }
  processes: number
}
const rounds: { floor: Floor; plain: number; tuned: number; scan: number; station: StationRun }[] = []
for (let round = 0; round < Number(values.rounds); round += 1) {
  const work = mkdtempSync(join(tmpdir(), 'lanescope-bench-'))
  try {
    rounds.push({
      floor: json('floor.js', [manifest, ...files]) as Floor,
      plain: await timed(values.python, [join(root, 'bench/peers/plain.py'), manifest, ...files]),
      scan: await timed(process.execPath, [join(out, 'cli.js'), 'scan', '--json', ...files]),
      tuned: await timed(values.python, [join(root, 'bench/peers/tuned.py'), manifest, ...files]),
      station: json('station.js', [join(out, 'inference-process.js'), join(manifest, '..'), work, ...files]) as StationRun,
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const median = (of: (round: (typeof rounds)[number]) => number): number => {
  const sorted = rounds.map(of).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
const ms = (value: number): string => value.toFixed(1)
const cores = availableParallelism()
const floorOf = ({ floor }: (typeof rounds)[number]): number => (floor.decode + floor.network) / cores
const table = [
  `${new Date().toISOString().slice(0, 16)} UTC · ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cores} cores, load ${loadavg()[0]?.toFixed(1) ?? '?'} at the end · ${files.length} scans, ${rounds.length} rounds, medians`,
  '',
  '| | ms a scan | against the floor | against tuned Python | against plain Python |',
  '|---|---|---|---|---|',
  ...(
    [
      ['floor: decoding and bare session, every core busy', floorOf],
      ['`scan`', (r) => r.scan],
      ['station at full load', (r) => r.station.full],
      ['tuned Python (a process a core)', (r) => r.tuned],
      ['plain Python', (r) => r.plain],
    ] as [string, (r: (typeof rounds)[number]) => number][]
  ).map(
    ([name, of]) =>
      `| ${name} | ${ms(median(of))} | ${median((r) => floorOf(r) / of(r)).toFixed(2)} | ${median((r) => r.tuned / of(r)).toFixed(2)} × | ${median((r) => r.plain / of(r)).toFixed(2)} × |`,
  ),
  '',
  `One thread: decoding ${ms(median((r) => r.floor.decode))} ms, network ${ms(median((r) => r.floor.network))} ms. Trickle, from rename to verdict: p50 ${ms(median((r) => r.station.trickle.p50))} ms, p95 ${ms(median((r) => r.station.trickle.p95))} ms (${rounds[0]?.station.trickle.scans ?? 0} scans a round).`,
]
console.log(table.join('\n'))
if (values.write) {
  const file = join(root, 'docs/BENCHMARKS.md')
  const [from, to] = ['<!-- npm run bench -->', '<!-- end of npm run bench -->']
  const section = `${from}\n${table.join('\n')}\n${to}`
  const before = existsSync(file) ? readFileSync(file, 'utf8') : `# Benchmarks\n\n${from}${to}\n`
  const [first, last] = [before.indexOf(from), before.indexOf(to)]
  writeFileSync(
    file,
    first < 0 || last < first
      ? `${before.trimEnd()}\n\n${section}\n`
      : before.slice(0, first) + section + before.slice(last + to.length),
  )
}
