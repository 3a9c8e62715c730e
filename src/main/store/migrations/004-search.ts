// Indexes that keep the log's pages fast at any length: each filter has one that ends in the id, the order of paging.
import type Database from 'better-sqlite3'

export function search(db: Database.Database): void {
  db.exec(`
    CREATE INDEX bags_by_lane ON bags (lane, id);
    CREATE INDEX bags_by_verdict ON bags (verdict, id);
    CREATE INDEX bags_by_decision ON bags (decision_action, id) WHERE decision_action IS NOT NULL;
    CREATE INDEX bags_by_outcome ON bags (outcome_kind, id) WHERE outcome_kind IS NOT NULL;
    -- also answers the counts of a day without touching the table
    CREATE INDEX bags_by_time ON bags (received_at, verdict);
    -- unflagged scores are nearly all of them and never looked for by tier
    CREATE INDEX scores_by_tier ON class_scores (class, tier, bag_id) WHERE tier <> 'none';
    -- what the archive may let go, and what shares its bytes
    CREATE INDEX bags_clear_kept ON bags (id) WHERE verdict = 'clear' AND has_scan = 1;
    CREATE INDEX bags_by_heatmap ON bags (heatmap) WHERE heatmap IS NOT NULL;
  `)
}
