// Why a file cannot be read, in plain words: one table for feeds and command line.

/** Node's error code, e.g. `ENOENT`; empty for other errors. */
export const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')

/** An error of the file system in plain words, without a full stop. */
export function plainWords(error: unknown): string {
  const code = codeOf(error)
  switch (code) {
    case 'ENOENT':
      return 'it is not there'
    case 'EACCES':
    case 'EPERM':
      return 'no permission to read it'
    case 'ENOTDIR':
      return 'it is not a folder'
    case 'EISDIR':
      return 'it is a folder'
    case 'ELOOP':
      return 'its links go in a circle'
    case 'ENAMETOOLONG':
      return 'its name is too long'
    case 'EIO':
    case 'ESTALE':
    case 'EHOSTDOWN':
    case 'ETIMEDOUT':
    case 'ENOTCONN':
    case 'ENODEV':
    case 'ENXIO':
      return `the disk or network share does not answer (${code})`
    case 'EBUSY':
    case 'EAGAIN':
      return 'another program keeps it locked'
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open on this machine'
    case 'ENOMEM':
    case 'ERR_MEMORY_ALLOCATION_FAILED':
      return OUT_OF_MEMORY
    default:
      if (isOutOfMemory(error)) return OUT_OF_MEMORY
      return code || (error instanceof Error ? error.message : String(error))
  }
}

const OUT_OF_MEMORY = 'this machine is out of memory'
/** Whether an error (of Node, V8 or libvips) says that memory ran out: no fault of the file's. */
export function isOutOfMemory(error: unknown): boolean {
  if (codeOf(error) === 'ENOMEM') return true
  const text = error instanceof Error ? error.message : String(error)
  return /out of memory|(?:can(?:not|'t)|unable to|failed to) allocate|allocation failed|insufficient memory|not enough memory|bad_alloc/i.test(
    text,
  )
}
