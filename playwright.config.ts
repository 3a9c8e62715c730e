// The journey through the real program in a real browser window: once served to Chromium, once in Electron where its binary is there.
import { defineConfig } from '@playwright/test'
import { browserArgs, findBrowser } from './scripts/browser.ts'
import type { ShellOption } from './test/e2e/lane'

/** Specs of many minutes on two cores, with `npm run e2e:long`: a shift of thirty bags, a burst, the screens at every size. */
const LONG_SPECS = /(shift|burst|screen)\.spec\.ts$/
const LONG = process.env['LANESCOPE_LONG'] !== undefined
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
    { name: 'served', use: { shell: 'served' }, ...(LONG ? {} : { testIgnore: LONG_SPECS }) },
    { name: 'electron', use: { shell: 'electron' }, testIgnore: LONG_SPECS },
    // draws docs/screenshots anew from the demo replay; no test, so only when asked for
    ...(process.env['LANESCOPE_SCREENSHOTS'] === undefined ? [] : [{ name: 'screenshots', testMatch: /screenshots\.ts$/ }]),
  ],
})
