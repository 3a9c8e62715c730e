// The only file that loads ONNX Runtime (linted): its telemetry is off before its library is on.
//
// Since 1.30 the library looks up a host of its maker, writes a device id under ~/.cache and a log under /tmp, unless the environment
// says otherwise when it loads. `import` would load it before the first line here runs, so it is required below that line.
import { createRequire } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import type * as Runtime from 'onnxruntime-node'

// A worker's process.env is a copy that native code never sees; and several workers crash the library (microsoft/onnxruntime #20084).
if (!isMainThread) throw new Error('ONNX Runtime belongs to a process of its own, not to a worker thread.')
process.env['ORT_DISABLE_TELEMETRY'] = '1'

export const { env, InferenceSession, listSupportedBackends, Tensor } = createRequire(import.meta.url)(
  'onnxruntime-node',
) as typeof Runtime
export type Session = Runtime.InferenceSession
export type ValueMetadata = Runtime.InferenceSession.ValueMetadata
