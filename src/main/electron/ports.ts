// The contract for the window: one message port a page, given to our own page only.
import { ipcMain, MessageChannelMain, type IpcMainEvent, type MessagePortMain } from 'electron'
import { onError, type AnyRouter } from '@orpc/server'
import { RPCHandler } from '@orpc/server/message-port'
import { BRIDGE } from '../../shared/bridge'
import { isOurs } from './scheme'
import type { Say } from '../station/ports'

/** Answers each page's `connect` with a fresh port and closes that page's former one. Returns how to stop. */
export function answerConnects(router: AnyRouter, say: Say): () => void {
  const rpc = new RPCHandler(router, {
    interceptors: [onError((error) => say(`contract: ${error instanceof Error ? error.message : String(error)}`))],
  })
  const open = new Map<number, MessagePortMain>()
  const connect = (event: IpcMainEvent): void => {
    const { sender, senderFrame } = event
    if (senderFrame === null || senderFrame !== sender.mainFrame || !isOurs(senderFrame.url)) {
      say(`refused a contract port to ${senderFrame?.url ?? 'a frame that went'}`)
      return
    }
    open.get(sender.id)?.close()
    const { port1, port2 } = new MessageChannelMain()
    rpc.upgrade(port1, { context: {} })
    port1.on('close', () => {
      if (open.get(sender.id) === port1) open.delete(sender.id)
    })
    open.set(sender.id, port1)
    port1.start()
    senderFrame.postMessage(BRIDGE.port, null, [port2])
  }
  ipcMain.on(BRIDGE.connect, connect)
  return () => {
    ipcMain.off(BRIDGE.connect, connect)
    for (const port of open.values()) port.close()
    open.clear()
  }
}
