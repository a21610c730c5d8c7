-- Evidence that waits to be compared with what was sent before, in a table of its own: to take a row away costs much less
-- than to change one that stands in several indexes. `compared_at` says since when it has waited or been compared; where it
-- is NULL, a server of an earlier version wrote it, and one of this version lets it wait here.
CREATE TABLE evidence_waiting (
    ticket_id INTEGER NOT NULL,
    photo_id INTEGER NOT NULL,
    stage TEXT NOT NULL,
    PRIMARY KEY (ticket_id, photo_id, stage)
) STRICT, WITHOUT ROWID;
INSERT INTO evidence_waiting (ticket_id, photo_id, stage)
    SELECT ticket_id, photo_id, stage FROM evidence WHERE compared_at IS NULL;
UPDATE evidence SET compared_at = created_at WHERE compared_at IS NULL;
