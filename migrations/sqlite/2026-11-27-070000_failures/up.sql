-- Originals in the photo store that no row names: left there by an upload that was cut off before its row was written.
-- They are removed when they have stood here for a day; a doomed one is being removed.
CREATE TABLE orphans (
    object_key TEXT NOT NULL PRIMARY KEY,
    sha256 BLOB NOT NULL,
    found_at INTEGER NOT NULL,
    doomed INTEGER NOT NULL
) STRICT;
CREATE INDEX orphans_by_age ON orphans (found_at);
CREATE INDEX orphans_of_sha256 ON orphans (sha256);
CREATE INDEX photos_of_sha256 ON photos (sha256);

-- When the last line of a supervision order was written: the next one is not older.
ALTER TABLE supervision_orders ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE supervision_orders SET updated_at = COALESCE(
    (SELECT MAX(at) FROM supervision_events WHERE supervision_events.order_id = supervision_orders.id), issued_at);
