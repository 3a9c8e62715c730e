// Gives a forked process the `process.parentPort` that Electron's utility processes have.
import { EventEmitter } from 'node:events'
import type { ParentPort } from 'electron'

const port = Object.assign(new EventEmitter(), {
  postMessage: (message: unknown): void => void process.send?.(message),
}) satisfies Omit<ParentPort, keyof EventEmitter>
process.on('message', (data) => void port.emit('message', { data, ports: [] }))
Object.defineProperty(process, 'parentPort', { value: port })
