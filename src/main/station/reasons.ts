// Turns anything thrown on a bag's way into one plain sentence for the operator.

const PLAIN: Record<string, string> = {
  ENOSPC: 'The disk is full.',
  EDQUOT: 'The disk quota is used up.',
  EROFS: 'The data folder is read-only.',
  EACCES: 'The data folder may not be written.',
  EPERM: 'The data folder may not be written.',
  EIO: 'The disk reports an error.',
  EMFILE: 'Too many files are open.',
  ENFILE: 'Too many files are open.',
  SQLITE_FULL: 'The disk is full: the database cannot grow.',
  SQLITE_IOERR: 'The disk reports an error while writing the database.',
  SQLITE_READONLY: 'The database is read-only.',
  SQLITE_BUSY: 'The database is locked by another program.',
  SQLITE_LOCKED: 'The database is locked.',
  SQLITE_CORRUPT: 'The database is damaged.',
  SQLITE_NOTADB: 'The database is damaged.',
  SQLITE_CANTOPEN: 'The database cannot be opened.',
}

/** One sentence, never empty. System and SQLite codes (also extended ones, e.g. SQLITE_IOERR_WRITE) get words of their own. */
export function plainReason(error: unknown): string {
  if (!(error instanceof Error)) return `Something failed: ${String(error)}`
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const base = code.startsWith('SQLITE_') ? code.split('_').slice(0, 2).join('_') : code
  const plain = PLAIN[code] ?? PLAIN[base]
  if (plain) return plain
  return error.message.trim() || `Something failed (${error.name}).`
}
