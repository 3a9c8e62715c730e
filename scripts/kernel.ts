// `npm run kernel`: src/main/inference/kernel.wat → kernel-wasm.ts, the same module as base64, so that a bundle needs no file beside it.
// The compiled text is committed; test/unit/inference/kernel.test.ts compiles it again and compares.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import loadWabt from 'wabt'

const room = join(import.meta.dirname, '../src/main/inference')

/** The TypeScript file that belongs to the WAT file. Throws with wabt's words where that is not valid. */
export async function compiledKernel(): Promise<string> {
  const wabt = await loadWabt()
  const parsed = wabt.parseWat('kernel.wat', readFileSync(join(room, 'kernel.wat'), 'utf8'), { simd: true })
  parsed.validate()
  const lines =
    Buffer.from(parsed.toBinary({}).buffer)
      .toString('base64')
      .match(/.{1,120}/g) ?? []
  return (
    '// Made from kernel.wat by `npm run kernel`; not for editing.\n' +
    `export const KERNEL_WASM =\n${lines.map((line) => `  '${line}'`).join(' +\n')}\n`
  )
}

if (import.meta.main) writeFileSync(join(room, 'kernel-wasm.ts'), await compiledKernel())
