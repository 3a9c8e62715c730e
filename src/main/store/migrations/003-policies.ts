// Alarm policies and calibrations as versioned documents that never change, and small states that survive a restart.
import type Database from 'better-sqlite3'

const versioned = (table: string): string => `
  CREATE TABLE ${table} (
    version INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL,
    author TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    -- the whole document as JSON (src/shared/policy.ts)
    document TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER ${table}_no_update BEFORE UPDATE ON ${table} BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;
  CREATE TRIGGER ${table}_no_delete BEFORE DELETE ON ${table} BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;
`

export function policies(db: Database.Database): void {
  db.exec(`
    ${versioned('policies')}
    ${versioned('calibrations')}
    CREATE TABLE state (name TEXT PRIMARY KEY, value BLOB NOT NULL, saved_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `)
}
