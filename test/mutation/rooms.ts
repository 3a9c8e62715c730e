// What is mutated, room by room, and the tests that must notice: those without browser, build or Python.
export interface Room {
  mutate: string[]
  tests: string[]
}

export const ROOMS: Record<string, Room> = {
  domain: {
    mutate: ['src/domain/**/*.ts'],
    tests: ['test/unit/*.test.ts', 'test/unit/domain/**/*.test.ts', 'test/unit/inference/cam.test.ts'],
  },
  station: { mutate: ['src/main/station/**/*.ts'], tests: ['test/unit/station/**/*.test.ts', 'test/unit/alarms/**/*.test.ts'] },
  audit: { mutate: ['src/main/store/audit*.ts'], tests: ['test/unit/store/**/*.test.ts'] },
  guard: { mutate: ['src/main/serve/guard.ts'], tests: ['test/unit/serve/served.test.ts', 'test/unit/serve/guard.test.ts'] },
}
