// The journey through the real program in a real browser window: once served to Chromium, once in Electron where its binary is there.
import { defineConfig } from '@playwright/test'
import { browserArgs, findBrowser } from './scripts/browser.ts'
import type { ShellOption } from './test/e2e/lane'

const executablePath = findBrowser()

export default defineConfig<ShellOption>({
  testDir: 'test/e2e',
  // Each test has a station of its own with its own network: more than one at a time would only be slower.
  workers: 1,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  forbidOnly: true,
  reporter: [['list']],
  outputDir: 'test-results',
  use: {
    viewport: { width: 1280, height: 800 },
    trace: 'retain-on-failure',
    launchOptions: { args: browserArgs(), ...(executablePath === null ? {} : { executablePath }) },
  },
  projects: [
    { name: 'served', use: { shell: 'served' } },
    { name: 'electron', use: { shell: 'electron' } },
    // draws docs/screenshots anew from the demo replay; no test, so only when asked for
    ...(process.env['LANESCOPE_SCREENSHOTS'] === undefined ? [] : [{ name: 'screenshots', testMatch: /screenshots\.ts$/ }]),
  ],
})
