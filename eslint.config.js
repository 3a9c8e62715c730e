// Type-checked lint, and the room rules of ARCHITECTURE.md: who may import whom.
import js from '@eslint/js'
import svelte from 'eslint-plugin-svelte'
import globals from 'globals'
import ts from 'typescript-eslint'
import svelteConfig from './svelte.config.js'

const OUTER = ['electron', 'better-sqlite3', 'onnxruntime-node', 'onnxruntime-common', 'sharp', 'svelte', 'svelte/*']
const rooms = (names) => names.map((name) => `**/${name}/**`)

/** A room: its files, the packages and the folders (other rooms) that it must not import. */
const room = (files, packages, folders, why) => ({
  files,
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...(packages.length ? [{ group: packages, message: why }] : []),
          ...(folders.length ? [{ group: folders, message: why }] : []),
        ],
      },
    ],
  },
})
const NODE = ['node:*', 'fs', 'path', 'os', 'child_process', 'worker_threads', 'crypto', 'http', 'net']
const MAIN_ROOMS = ['station', 'feed', 'files', 'inference', 'store', 'electron', 'serve', 'cli']
const ROOTS = ['**/main/index', '**/main/serve', '**/main/cli', '**/main/house']
const others = (own) => [...rooms(MAIN_ROOMS.filter((r) => !own.includes(r))), ...ROOTS]

/** Offline, always: ONNX Runtime's telemetry is switched off in the one file that loads it. */
const LOADED_ONCE = {
  selector: 'Literal[value=/^onnxruntime-(node|common)/]',
  message: 'ONNX Runtime is loaded by src/main/inference/onnxruntime.ts alone, which switches its telemetry off first.',
}
/** Of blocks that set one rule ESLint takes the last that matches a file, whole: each therefore carries what holds everywhere. */
const only = (selectors) => ({ 'no-restricted-syntax': ['error', LOADED_ONCE, ...selectors] })
/** Who asks the network for a bag's scores goes through station/judging.ts, where the safety rules stand. */
const JUDGED_ONCE = ["CallExpression[callee.property.name='screen']", "ImportSpecifier[imported.name='judge']"].map((selector) => ({
  selector,
  message: 'Scans are screened and judged in station/judging.ts only.',
}))
/** What is printed may hold names of files: one way out, which escapes what could forge a line. */
const PRINTED_ONCE = [
  "CallExpression[callee.property.name='write'][callee.object.property.name=/^std(out|err)$/]",
  "CallExpression[callee.object.name='console'][callee.property.name=/^(log|error|warn|info)$/]",
].map((selector) => ({ selector, message: 'Print by cli/terminal.ts.' }))

export default ts.config(
  { ignores: ['out/**', 'node_modules/**', '.cache/**', '.scratch/**', '.venv/**', 'test-results/**', 'playwright-report/**', 'training/**'] },
  js.configs.recommended,
  ...ts.configs.strictTypeChecked,
  ...svelte.configs.recommended,
  {
    languageOptions: {
      globals: { ...globals.node },
      parserOptions: { projectService: { allowDefaultProject: ['*.js', 'bin/*.js', 'scripts/*.js'] }, extraFileExtensions: ['.svelte'] },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-console': 'error',
    },
  },
  { files: ['**/*.js'], extends: [ts.configs.disableTypeChecked] },
  {
    files: ['src/renderer/**/*.svelte', 'src/renderer/**/*.svelte.ts'],
    languageOptions: {
      globals: { ...globals.browser },
      parserOptions: { parser: ts.parser, svelteConfig, projectService: true, extraFileExtensions: ['.svelte'] },
    },
  },
  { files: ['src/renderer/**/*.ts'], languageOptions: { globals: { ...globals.browser } } },
  { files: ['src/main/*.ts', 'src/main/cli/**', 'scripts/**', 'bench/**', 'bin/**', 'test/**'], rules: { 'no-console': 'off' } },

  // ---- a file is read in one sitting. Exceptions are named, each with its reason; tests count by case, not by `describe`
  {
    files: ['src/**', 'scripts/**'],
    rules: {
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 80 }],
    },
  },

  // ---- one place for a thing: of these blocks the last that matches a file holds
  {
    files: ['src/**', 'scripts/**', 'bench/**', 'bin/**', 'test/**'],
    ignores: ['src/main/inference/onnxruntime.ts'],
    rules: only([]),
  },
  { files: ['src/main/station/**', 'src/main/*.ts', 'src/main/cli/**'], ignores: ['src/main/station/judging.ts'], rules: only(JUDGED_ONCE) },
  {
    files: ['src/main/*.ts', 'src/main/cli/**'],
    ignores: ['src/main/cli/terminal.ts', 'src/main/cli/progress.ts', 'src/main/log-file.ts'],
    rules: only([...JUDGED_ONCE, ...PRINTED_ONCE]),
  },

  // ---- the rooms
  room(['src/shared/**'], [...OUTER, ...NODE], ['**/main/**', '**/renderer/**', '**/preload/**', '**/domain/**'], 'shared imports only zod and the contract library.'),
  room(['src/domain/**'], [...OUTER, ...NODE], ['**/main/**', '**/renderer/**', '**/preload/**'], 'domain is pure: it imports shared only.'),
  room(['src/main/station/**'], OUTER, [...others(['station']), '**/renderer/**', '**/preload/**'], 'station depends on interfaces (ports.ts), domain and shared only.'),
  room(['src/main/files/**'], OUTER, [...others(['files']), '**/renderer/**', '**/preload/**'], 'files looks at and reads files: it imports domain only.'),
  room(['src/main/feed/**'], OUTER, [...others(['feed', 'files', 'station']), '**/renderer/**', '**/preload/**'], 'feed imports files, domain, shared and the ports.'),
  room(['src/main/inference/**'], ['electron', 'better-sqlite3', 'svelte'], [...others(['inference', 'station']), '**/renderer/**', '**/preload/**'], 'inference imports domain, shared, onnxruntime-node, sharp and the ports.'),
  room(['src/main/store/**'], ['electron', 'onnxruntime-node', 'sharp', 'svelte'], [...others(['store', 'station']), '**/renderer/**', '**/preload/**'], 'store imports domain, shared, better-sqlite3 and the ports.'),
  room(['src/main/electron/**'], ['better-sqlite3', 'onnxruntime-node', 'sharp', 'svelte'], [...others(['electron', 'station']), '**/renderer/**', '**/preload/**'], 'electron is the only room that knows Electron, and it knows little else.'),
  room(['src/main/serve/**'], OUTER, [...others(['serve', 'station']), '**/renderer/**', '**/preload/**'], 'serve imports shared and the ports.'),
  room(['src/preload/**'], OUTER.filter((p) => p !== 'electron'), ['**/main/**', '**/renderer/**', '**/domain/**'], 'preload exposes one object and imports electron and types of shared.'),
  room(['src/renderer/**'], [...OUTER.filter((p) => !p.startsWith('svelte')), ...NODE], ['**/main/**', '**/preload/**'], 'the renderer imports shared and domain only.'),
)
