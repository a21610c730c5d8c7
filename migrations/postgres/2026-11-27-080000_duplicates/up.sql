-- What near pictures are found by: 64 bits, as a signed number. Without a hash: a picture with too little in it, such
-- as a night without a light. `hashed_at` is when the row was written, by which servers read what is new.
CREATE TABLE photo_hashes (
    photo_id BIGINT NOT NULL PRIMARY KEY REFERENCES photos(id) ON DELETE CASCADE,
    hash BIGINT,
    hashed_at BIGINT NOT NULL
);
CREATE INDEX photo_hashes_new ON photo_hashes (hashed_at, photo_id) WHERE hash IS NOT NULL;
CREATE INDEX photos_of_bytes ON photos (sha256);

-- When a piece of evidence was compared with what was sent before; NULL until then.
ALTER TABLE evidence ADD COLUMN compared_at BIGINT;
CREATE INDEX evidence_uncompared ON evidence (created_at, ticket_id) WHERE compared_at IS NULL;

-- Evidence that was seen before: under another ticket (reused), or at an earlier stage of the same one (repeated).
CREATE TABLE evidence_seen_before (
    ticket_id BIGINT NOT NULL REFERENCES tickets(id) ON DELETE CASCADE,
    photo_id BIGINT NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
    stage TEXT NOT NULL,
    kind TEXT NOT NULL,
    district INTEGER NOT NULL,
    other_ticket_id BIGINT NOT NULL REFERENCES tickets(id) ON DELETE CASCADE,
    other_photo_id BIGINT NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
    other_stage TEXT NOT NULL,
    bits INTEGER NOT NULL,
    found_at BIGINT NOT NULL,
    PRIMARY KEY (ticket_id, photo_id, stage, kind)
);
CREATE INDEX evidence_seen_before_of_kind ON evidence_seen_before (district, kind, ticket_id);
-- For photos that go: rows go with them, on either side.
CREATE INDEX evidence_seen_before_photo ON evidence_seen_before (photo_id);
CREATE INDEX evidence_seen_before_other ON evidence_seen_before (other_photo_id);

-- 附议: residents who follow a ticket that somebody else reported.
CREATE TABLE followers (
    id BIGINT NOT NULL PRIMARY KEY,
    ticket_id BIGINT NOT NULL REFERENCES tickets(id) ON DELETE CASCADE,
    account_id BIGINT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    district INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (ticket_id, account_id)
);
CREATE INDEX followers_of_account ON followers (account_id, id);

-- Tickets by squares of a 500th of a degree, for what lies around a place. The expression stands in the code too.
CREATE INDEX tickets_near ON tickets (
    (CAST(round(lat * 500) AS BIGINT) * 1000000 + CAST(round(lon * 500) AS BIGINT)), created_at
);

-- The pictures that are there already are looked at by a job.
INSERT INTO jobs (id, kind, subject, state, run_at, attempts, created_at)
    SELECT next_id, 'hash_photos', 0, 'waiting', 0, 0, 0 FROM id_blocks
    WHERE EXISTS (SELECT 1 FROM photos);
UPDATE id_blocks SET next_id = next_id + 1;
