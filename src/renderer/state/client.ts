// The contract as a screen calls it: the type that the real client and the tests' fake share, and errors in words.
import type { ContractRouterClient } from '@orpc/contract'
import type { Contract } from '../../shared/contract'

export type Client = ContractRouterClient<Contract>

/** A way to the station. `closed` resolves, with the reason in words, when the way is gone. */
export interface Connection {
  client: Client
  closed: Promise<string>
  close(): void
}
export type Open = () => Promise<Connection>

/** What went wrong, for a person: the station's own reason where it gave one. */
export function inWords(error: unknown): string {
  if (typeof error === 'object' && error !== null) {
    const { data, message } = error as { data?: unknown; message?: unknown }
    if (typeof data === 'object' && data !== null && 'why' in data && typeof data.why === 'string') return data.why
    if (typeof message === 'string' && message !== '') return message
  }
  return 'The station gave no reason.'
}

/** Rejects after `ms` with a plain sentence; a station that hangs must not look like one that is thinking. */
export function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`The station did not answer within ${Math.round(ms / 1000)} s (${what}).`))
    }, ms)
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer)
    })
  })
}
