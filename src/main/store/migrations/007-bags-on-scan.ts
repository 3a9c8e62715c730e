// The bags that lie on a scan, each with its box, scores and verdict: one JSON array a row, written with the verdict and read with it, never searched.
import type Database from 'better-sqlite3'

export function bagsOnScan(db: Database.Database): void {
  db.exec(`
    -- null: not screened, unscreenable, or screened before boxes were kept
    ALTER TABLE bags ADD COLUMN on_scan TEXT CHECK (on_scan IS NULL OR json_type(on_scan) = 'array');

    CREATE TRIGGER bags_on_scan_is_final BEFORE UPDATE OF on_scan ON bags WHEN OLD.verdict IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'a verdict is written once'); END;
  `)
}
