// `npm test`: everything that must hold, in one command. Runs every step even after a failure, then says which failed.
// Steps by name: npm test -- lint unit
import { spawnSync } from 'node:child_process'
import { findBrowser, installBrowser } from './browser.ts'
import { findTrainingPython } from './python.ts'

type Outcome = 'passed' | 'failed' | { skipped: string }
const sh = (command: string, args: string[], env: Record<string, string> = {}): Outcome =>
  spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } }).status === 0 ? 'passed' : 'failed'
const npm = (script: string): Outcome => sh('npm', ['run', '--silent', script])

function browser(): Outcome {
  const path = findBrowser() ?? installBrowser()
  console.log(path === null ? 'No Chromium found and none could be installed: set LANESCOPE_CHROMIUM.' : `Browser: ${path}`)
  return path === null ? 'failed' : 'passed'
}
function training(): Outcome {
  const found = findTrainingPython()
  if ('missing' in found) return { skipped: found.missing }
  const python = (...args: string[]): Outcome =>
    sh(found.python, ['-m', ...args], { PYTHONPATH: 'training', OMP_NUM_THREADS: '2' })
  // all three run, so that one run shows everything that is wrong
  const parts = [
    python('ruff', 'check', 'training'),
    python('mypy', '--config-file', 'training/pyproject.toml', 'training/lanescope'),
    python('pytest', '-q', 'training/tests'),
  ]
  return parts.every((part) => part === 'passed') ? 'passed' : 'failed'
}

const STEPS: [string, () => Outcome][] = [
  ['typecheck', () => npm('typecheck')],
  ['lint', () => npm('lint')],
  ['build', () => npm('build')],
  ['browser', browser],
  ['unit', () => npm('unit')],
  ['e2e', () => npm('e2e')],
  ['training', training],
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !STEPS.some(([step]) => step === name))
if (unknown.length > 0) {
  console.error(`No such step: ${unknown.join(', ')}. Steps: ${STEPS.map(([name]) => name).join(', ')}`)
  process.exit(64)
}
const results = STEPS.filter(([name]) => wanted.length === 0 || wanted.includes(name)).map(([name, run]) => {
  console.log(`\n── ${name}`)
  const from = performance.now()
  const outcome = run()
  return { name, outcome, seconds: Math.round((performance.now() - from) / 1000) }
})

console.log('\n── summary')
for (const { name, outcome, seconds } of results)
  console.log(
    `${typeof outcome === 'string' ? outcome : 'skipped'}  ${name} (${seconds} s)${typeof outcome === 'string' ? '' : `: ${outcome.skipped}`}`,
  )
const count = (wantedOutcome: string): number =>
  results.filter(({ outcome }) => (typeof outcome === 'string' ? outcome : 'skipped') === wantedOutcome).length
console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
process.exit(count('failed') === 0 ? 0 : 1)
