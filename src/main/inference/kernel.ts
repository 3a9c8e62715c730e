// The WebAssembly instance of kernel.wat, and who lies where in its memory. One at a time: nothing here waits, so no two callers meet.
import { KERNEL_WASM } from './kernel-wasm'

interface Kernel {
  memory: WebAssembly.Memory
  sum(source: number, lines: number, stride: number, output: number): void
  across(source: number, lines: number, stride: number, table: number, record: number, size: number, output: number): void
  down(source: number, stride: number, table: number, record: number, size: number, output: number): void
}
/** kernel.wat says what each function takes; all places and lengths are bytes but where it says otherwise. */
export const kernel = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(KERNEL_WASM, 'base64')))
  .exports as unknown as Kernel

/** Bytes of source rows that are handed to the kernel at a time: they stay in the processor's cache. */
export const STRIP = 128 * 1024
/** The kernel works on 16 bytes at a time and may reach past an end (twice as far with sums of 16 bits). */
const SLACK = 32

/** Places of these lengths (bytes) one after the other in the kernel's memory, which grows to hold them. Earlier views of it may be void then. */
export function layOut(lengths: readonly number[]): number[] {
  let end = 0
  const places = lengths.map((length) => {
    const place = end
    end += Math.ceil((length + SLACK) / 16) * 16
    return place
  })
  const short = end - kernel.memory.buffer.byteLength
  if (short > 0) kernel.memory.grow(Math.ceil(short / 65_536))
  return places
}
