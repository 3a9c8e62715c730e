// The floor: what the libraries alone need. Decoding by sharp and the bare session, each on one thread, one after the other in this process.
// node floor.js MANIFEST FILE…: one line of JSON, median ms a scan.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { InferenceSession, Tensor } from '../src/main/inference/onnxruntime'

const [manifestPath = '', ...files] = process.argv.slice(2)
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as {
  file: string
  input: { name: string; size: number }
  outputs: { logits: string; cams: string[] }
}
sharp.cache(false)
sharp.concurrency(1)
const { input, outputs } = manifest
const session = await InferenceSession.create(join(dirname(manifestPath), manifest.file), {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
})
const tensor = new Tensor('float32', new Float32Array(3 * input.size ** 2).fill(0.5), [1, 3, input.size, input.size])
const decode: number[] = []
const network: number[] = []
for (const file of files) {
  const bytes = readFileSync(file)
  const from = performance.now()
  await sharp(bytes).raw().toBuffer()
  const decoded = performance.now()
  await session.run({ [input.name]: tensor }, [outputs.logits, ...outputs.cams])
  decode.push(decoded - from)
  network.push(performance.now() - decoded)
}
const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length
process.stdout.write(`${JSON.stringify({ decode: mean(decode), network: mean(network) })}\n`)
