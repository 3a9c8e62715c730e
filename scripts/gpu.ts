// `npm run gpu`: fetches ONNX Runtime's CUDA 12 provider (NuGet), which npm ci skips. The only command that needs a network beyond npm's registry.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

if (process.arch !== 'x64' || !['linux', 'win32'].includes(process.platform)) {
  console.error(`There is no CUDA provider for ${process.platform} on ${process.arch}: the CPU is used.`)
  process.exit(1)
}
const script = resolve(import.meta.dirname, '../node_modules/onnxruntime-node/script/install.js')
const { status } = spawnSync(process.execPath, [script], {
  stdio: 'inherit',
  env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'true' },
})
console.log(
  status === 0
    ? 'CUDA provider installed. The status bar shows "CUDA" when it runs; if not, the reason.'
    : 'The CUDA provider could not be fetched: the CPU is used as before.',
)
process.exit(status ?? 1)
