// What a test may ask of, and do to, the program that runs on the stand-in; over the child process's IPC.
import type { BrowserWindowConstructorOptions, CustomScheme } from 'electron'

/** Everything that the program has told Electron so far. */
export interface Told {
  pid: number
  schemes: CustomScheme[]
  handled: string[]
  sandboxed: boolean
  switches: string[]
  lockAsked: boolean
  windows: { options: BrowserWindowConstructorOptions; url: string; shown: boolean; focused: number }[]
  menu: string[]
  awake: boolean
  spellChecker: boolean | null
  /** pids of utility processes, in order of their start */
  utilities: number[]
  serviceNames: string[]
  /** addresses that the window asked for and that were refused */
  cancelled: string[]
  /** addresses that would have left the program: there must be none */
  escaped: string[]
  /** contract ports handed to pages */
  ports: number
  errorBoxes: { title: string; content: string }[]
  console: string[]
}
export type Ask =
  | { do: 'told' }
  /** runs an expression in the page */
  | { do: 'evaluate'; code: string }
  /** a page tries to go somewhere; the answer says whether it was prevented */
  | { do: 'navigate'; event: 'will-navigate' | 'will-frame-navigate' | 'will-redirect'; url: string; isMainFrame: boolean }
  | { do: 'attach-webview' }
  | { do: 'open-window'; url: string }
  | { do: 'permission'; name: string }
  | { do: 'request'; url: string }
  | { do: 'download' }
  /** a frame of that address asks for a contract port; the answer says whether it got one */
  | { do: 'connect-from'; url: string; isMainFrame: boolean }
  | { do: 'reload' }
  | { do: 'second-instance' }
  | { do: 'renderer-gone' }
  | { do: 'close-window' }
  | { do: 'quit' }
