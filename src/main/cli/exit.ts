// Exit codes of the command line (sysexits.h where it has one), and the error that means wrong use.
export const EXIT = { ok: 0, unscreenable: 2, usage: 64, tampered: 65, noKey: 66, software: 70, output: 74 } as const

/** Something in the command itself is wrong; its message is for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
