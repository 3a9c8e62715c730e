// The chain over everything that decides or tells a verdict: one short link a record, in order, and the signed head (chain.ts).
import type Database from 'better-sqlite3'

export function chain(db: Database.Database): void {
  db.exec(`
    CREATE TABLE links (
      seq INTEGER PRIMARY KEY,
      -- what kind of record (records.ts), and its number in its own table
      kind INTEGER NOT NULL,
      subject INTEGER NOT NULL,
      -- SHA-256 over the link before and the record's whole content
      hash BLOB NOT NULL CHECK (length(hash) = 32)
    ) STRICT;

    -- one row: where the chain ends, and how far the tables go; signed with the station's key
    CREATE TABLE chain_head (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      seq INTEGER NOT NULL,
      hash BLOB NOT NULL,
      bags INTEGER NOT NULL,
      policies INTEGER NOT NULL,
      calibrations INTEGER NOT NULL,
      signature BLOB NOT NULL
    ) STRICT;

    -- signatures over single records that are looked at one by one: 'policy:3', 'calibration:2', 'state:<name>'
    CREATE TABLE seals (subject TEXT PRIMARY KEY, signature BLOB NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TRIGGER links_no_update BEFORE UPDATE ON links BEGIN SELECT RAISE(ABORT, 'links is append-only'); END;
    CREATE TRIGGER links_no_delete BEFORE DELETE ON links BEGIN SELECT RAISE(ABORT, 'links is append-only'); END;
  `)
}
