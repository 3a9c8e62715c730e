// Composition root of the command line: `npx lanescope …`. Every command is a file in cli/ that registers itself.
import { Command, CommanderError } from 'commander'
import { inspect } from 'node:util'
import { version } from '../../package.json'
import { register as audit } from './cli/audit'
import { EXIT, UsageError } from './cli/exit'
import { register as evaluate } from './cli/evaluate'
import { register as calibrate } from './cli/calibrate'
import { register as models } from './cli/models'
import { register as policy } from './cli/policy'
import { register as restore } from './cli/restore'
import { register as scan } from './cli/scan'
import { register as start } from './cli/start'
import { err } from './cli/terminal'

const program = new Command('lanescope')
  .description('An open inspection workstation for X-ray security lanes. Research software: not certified equipment.')
  .version(version)
  .showHelpAfterError('(lanescope --help explains all commands)')
  // Commands made below inherit this: an exit code is ours to choose.
  .exitOverride()
  // what was typed may hold anything, and is repeated in what is wrong with it
  .configureOutput({ writeErr: (text) => err(...text.trimEnd().split('\n')) })
for (const register of [start, scan, policy, calibrate, evaluate, models, audit, restore]) register(program)
program.addHelpText(
  'after',
  `
Examples:
  lanescope start                                     play the bundled demo
  lanescope start --feed north=/mnt/scans             watch a hot folder as lane "north" (repeatable; --polling for network shares)
  lanescope start --replay DIR --rate 300             play a folder at 300 bags an hour
  lanescope serve --feed DIR --data DIR --port 8080   no Electron; --headless: no window either
  lanescope scan DIR --json --heatmaps DIR            screen a folder, one JSON line a scan
  lanescope policy explain SCAN                       why a scan alarms, class by class
  lanescope policy simulate --bags 1e6                what the policy in force would do in a month
  lanescope evaluate --images DIR --labels CSV        measure the model on labelled scans

"lanescope help <command>" tells all options of a command. Exit code 64 means wrong use.`,
)

// A reader that has seen enough (`| head`) is no fault, but not every scan was reported either.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 141 : EXIT.output))

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
  else if (error instanceof UsageError) {
    err(`error: ${error.message}`)
    process.exitCode = EXIT.usage
  } else {
    err(...inspect(error).split('\n'))
    process.exitCode = EXIT.software
  }
}
