// What people do: decisions and outcomes with every change kept, and the hash-chained audit of them all.
import type Database from 'better-sqlite3'

const appendOnly = (table: string): string => `
  CREATE TRIGGER ${table}_no_update BEFORE UPDATE ON ${table} BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;
  CREATE TRIGGER ${table}_no_delete BEFORE DELETE ON ${table} BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;
`

export function audit(db: Database.Database): void {
  db.exec(`
    CREATE TABLE audit (
      seq INTEGER PRIMARY KEY,
      at INTEGER NOT NULL,
      -- null: the station itself
      person TEXT,
      action TEXT NOT NULL,
      -- 'bag:17', 'policy:3', 'calibration:2', 'station'
      subject TEXT NOT NULL,
      -- canonical JSON
      detail TEXT NOT NULL,
      -- SHA-256 over canonical JSON of the row with prev; see audit.ts
      prev TEXT NOT NULL,
      hash TEXT NOT NULL
    ) STRICT;
    CREATE INDEX audit_by_subject ON audit (subject, seq);

    CREATE TABLE decisions (
      id INTEGER PRIMARY KEY,
      bag_id INTEGER NOT NULL REFERENCES bags (id),
      action TEXT NOT NULL CHECK (action IN ('clear', 'search', 'hold')),
      person TEXT NOT NULL,
      reason TEXT,
      at INTEGER NOT NULL,
      seconds REAL,
      audit INTEGER NOT NULL UNIQUE REFERENCES audit (seq)
    ) STRICT;

    CREATE TABLE outcomes (
      id INTEGER PRIMARY KEY,
      bag_id INTEGER NOT NULL REFERENCES bags (id),
      kind TEXT NOT NULL CHECK (kind IN ('confirmed', 'false-alarm', 'unsure', 'missed')),
      class TEXT CHECK (class IN ('gun', 'knife', 'wrench', 'pliers', 'scissors')),
      x REAL,
      y REAL,
      comment TEXT,
      person TEXT NOT NULL,
      at INTEGER NOT NULL,
      audit INTEGER NOT NULL UNIQUE REFERENCES audit (seq),
      CHECK ((x IS NULL) = (y IS NULL))
    ) STRICT;

    -- the latest of each, with its word beside it for the log's filters
    ALTER TABLE bags ADD COLUMN decision INTEGER REFERENCES decisions (id);
    ALTER TABLE bags ADD COLUMN decision_action TEXT;
    ALTER TABLE bags ADD COLUMN outcome INTEGER REFERENCES outcomes (id);
    ALTER TABLE bags ADD COLUMN outcome_kind TEXT;

    ${appendOnly('audit')}${appendOnly('decisions')}${appendOnly('outcomes')}
  `)
}
