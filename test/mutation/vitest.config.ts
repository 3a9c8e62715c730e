// The tests that a room's mutants are run against. Stryker gives them their own copy of the sources.
import { defineConfig } from 'vitest/config'
import { ROOMS } from './rooms'

const room = ROOMS[process.env['MUTATE_ROOM'] ?? 'domain']
if (room === undefined) throw new Error(`MUTATE_ROOM is one of ${Object.keys(ROOMS).join(', ')}.`)

// a few files are sooner tried against their own tests than against the room's
const tests = process.env['MUTATE_TESTS']?.split(',') ?? room.tests

export default defineConfig({ test: { environment: 'node', include: tests, testTimeout: 120_000 } })
