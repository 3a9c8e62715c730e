// Bags and what the network said of each class. A verdict is written once; a bag is never deleted.
import type Database from 'better-sqlite3'

export function bags(db: Database.Database): void {
  db.exec(`
    CREATE TABLE bags (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      lane TEXT NOT NULL,
      path TEXT NOT NULL,
      -- the scan's SHA-256, or 'unreadable:<stamp>' of a file whose bytes could not be read
      content TEXT NOT NULL,
      sha256 TEXT,
      received_at INTEGER NOT NULL,
      has_scan INTEGER NOT NULL CHECK (has_scan IN (0, 1)),
      heatmap TEXT,
      screened_at INTEGER,
      width INTEGER,
      height INTEGER,
      verdict TEXT CHECK (verdict IN ('clear', 'advisory', 'alarm', 'unscreenable')),
      reason TEXT,
      model TEXT,
      policy INTEGER,
      provider TEXT,
      ms_decode REAL,
      ms_infer REAL,
      ms_total REAL,
      brightness REAL,
      background REAL,
      aspect REAL,
      bag_share REAL,
      UNIQUE (lane, path, content),
      CHECK ((verdict IS NULL) = (screened_at IS NULL)),
      CHECK (verdict IS NULL OR verdict <> 'unscreenable' OR reason IS NOT NULL),
      -- no bag is judged without a model and a policy that can be named
      CHECK (verdict IS NULL OR verdict = 'unscreenable' OR (model IS NOT NULL AND policy IS NOT NULL))
    ) STRICT;

    CREATE TABLE class_scores (
      bag_id INTEGER NOT NULL REFERENCES bags (id),
      class TEXT NOT NULL CHECK (class IN ('gun', 'knife', 'wrench', 'pliers', 'scissors')),
      -- JSON array, level 1 first
      logits TEXT NOT NULL,
      fused REAL NOT NULL,
      posterior REAL NOT NULL,
      tier TEXT NOT NULL CHECK (tier IN ('none', 'advisory', 'alarm')),
      peak_x REAL NOT NULL,
      peak_y REAL NOT NULL,
      PRIMARY KEY (bag_id, class)
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX bags_unfinished ON bags (id) WHERE verdict IS NULL;
    CREATE INDEX bags_by_content ON bags (sha256);

    CREATE TRIGGER bags_verdict_is_final
      BEFORE UPDATE OF verdict, reason, model, policy, provider, screened_at, width, height, lane, path, content, sha256, received_at ON bags
      WHEN OLD.verdict IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'a verdict is written once'); END;
    CREATE TRIGGER bags_stay BEFORE DELETE ON bags
      BEGIN SELECT RAISE(ABORT, 'a bag is never deleted'); END;
    CREATE TRIGGER class_scores_are_final BEFORE UPDATE ON class_scores
      BEGIN SELECT RAISE(ABORT, 'scores are written once'); END;
    CREATE TRIGGER class_scores_stay BEFORE DELETE ON class_scores
      BEGIN SELECT RAISE(ABORT, 'scores are never deleted'); END;
  `)
}
