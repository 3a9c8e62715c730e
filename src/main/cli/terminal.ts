// The only way to a terminal for commands and roots (linted): names of files and people's words could otherwise forge lines or turn them round.
import { printable } from '../../domain/scan/names'

/** Lines on stdout, waiting where the reader is slow. Rejects when they can't be written. */
export function out(...lines: string[]): Promise<void> {
  const text = lines.map((line) => `${printable(line)}\n`).join('')
  return new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve())))
}
/** Lines on stderr. */
export function err(...lines: string[]): void {
  process.stderr.write(lines.map((line) => `${printable(line)}\n`).join(''))
}
/** Clears the line of a progress bar, so that `out` can write there. */
export function makeWay(): void {
  if (process.stdout.isTTY) process.stderr.write('\r\u001b[K')
}
