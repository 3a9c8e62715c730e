// The sandboxed page's one door: asks main for a contract port and passes it on. Nothing of Electron or Node reaches the page.
import { contextBridge, ipcRenderer } from 'electron'
import { BRIDGE, type LanescopeBridge } from '../shared/bridge'

/** The part of the page's window that is used here (this project's main half has no DOM types). */
declare const window: {
  readonly location: { readonly origin: string }
  postMessage(message: unknown, targetOrigin: string, transfer: readonly object[]): void
}

// A port cannot cross contextBridge; a window message can carry it, to this very page only.
ipcRenderer.on(BRIDGE.port, ({ ports }) => window.postMessage(BRIDGE.port, window.location.origin, ports))

const bridge: LanescopeBridge = { connect: () => ipcRenderer.send(BRIDGE.connect) }
contextBridge.exposeInMainWorld(BRIDGE.key, bridge)
