// The threats that an outcome names: several classes a bag, each with a point or a box. Before, an outcome held one class and one point itself.
import type Database from 'better-sqlite3'

export function findings(db: Database.Database): void {
  db.exec(`
    CREATE TABLE findings (
      outcome_id INTEGER NOT NULL REFERENCES outcomes (id),
      class TEXT NOT NULL CHECK (class IN ('gun', 'knife', 'wrench', 'pliers', 'scissors')),
      -- in the order in which the reviewer named them, from 0
      n INTEGER NOT NULL,
      -- fractions of the original image: a point, or a box's upper left corner and size
      x REAL,
      y REAL,
      width REAL,
      height REAL,
      PRIMARY KEY (outcome_id, class),
      UNIQUE (outcome_id, n),
      CHECK ((x IS NULL) = (y IS NULL)),
      CHECK ((width IS NULL) = (height IS NULL)),
      CHECK (width IS NULL OR (x IS NOT NULL AND width > 0 AND height > 0))
    ) STRICT, WITHOUT ROWID;

    -- what older outcomes say is copied; they and their audit rows stay as they were written
    INSERT INTO findings (outcome_id, class, n, x, y) SELECT id, class, 0, x, y FROM outcomes WHERE class IS NOT NULL;

    CREATE TRIGGER findings_no_update BEFORE UPDATE ON findings BEGIN SELECT RAISE(ABORT, 'findings is append-only'); END;
    CREATE TRIGGER findings_no_delete BEFORE DELETE ON findings BEGIN SELECT RAISE(ABORT, 'findings is append-only'); END;
  `)
}
