// Text files that commands read; one that can't be read is wrong use.
import { readFileSync } from 'node:fs'
import { UsageError } from './exit'

/** Throws UsageError. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Throws UsageError. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readText(file))
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${file} is not JSON.`)
  }
}
