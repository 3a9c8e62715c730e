// Loaded before the station by node --import: notes every address that the process looks up, connects to or sends to, one a line.
import dgram from 'node:dgram'
import dns from 'node:dns'
import { appendFileSync } from 'node:fs'
import net from 'node:net'

const file = process.env['RECORD_NETWORK'] ?? ''
const note = (what: string, target: unknown): void => appendFileSync(file, `${what} ${JSON.stringify(target)}\n`)

/* eslint-disable @typescript-eslint/unbound-method -- they are called with their own `this` below */
const { connect } = net.Socket.prototype
net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
  note('connect', args)
  return Reflect.apply(connect, this, args) as net.Socket
}
const { lookup } = dns
dns.lookup = Object.assign(function (this: unknown, ...args: unknown[]): void {
  note('lookup', args[0])
  Reflect.apply(lookup, this, args)
}, lookup)
const { send } = dgram.Socket.prototype
dgram.Socket.prototype.send = function (this: dgram.Socket, ...args: unknown[]) {
  note('send', args.slice(1))
  Reflect.apply(send, this, args)
}
note('recording', process.pid)
