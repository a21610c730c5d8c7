-- 打码 and 曝光台: photos whose renditions are masked, each with a chain of its own, and pictures of uncivil conduct that a
-- second person has approved for the public.

-- How many lines the photo's chain has, its last hash, and the digest under which its renditions are kept, where that is
-- not the one of its original.
ALTER TABLE photos ADD COLUMN mask_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE photos ADD COLUMN mask_hash BYTEA;
ALTER TABLE photos ADD COLUMN rendition BYTEA;

-- The lines of masks; content is the text that was hashed and says the whole mask afterwards.
CREATE TABLE mask_events (
    photo_id BIGINT NOT NULL REFERENCES photos(id),
    seq BIGINT NOT NULL,
    district INTEGER NOT NULL,
    at BIGINT NOT NULL,
    verb TEXT NOT NULL,
    content TEXT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (photo_id, seq)
);

CREATE TABLE exposures (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES districts(code),
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    photo_id BIGINT NOT NULL REFERENCES photos(id),
    -- The mask that the proposer saw, and whether nothing needs one by the proposer's word.
    mask_version BIGINT NOT NULL,
    declared_clean BOOLEAN NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    proposed_by BIGINT NOT NULL REFERENCES accounts(id),
    proposed_at BIGINT NOT NULL,
    decided_by BIGINT,
    published_at BIGINT,
    ended_at BIGINT,
    last_hash BYTEA NOT NULL
);

-- 流转记录 of the board; content is the text that was hashed.
CREATE TABLE exposure_events (
    exposure_id BIGINT NOT NULL REFERENCES exposures(id),
    seq BIGINT NOT NULL,
    district INTEGER NOT NULL,
    at BIGINT NOT NULL,
    verb TEXT NOT NULL,
    content TEXT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (exposure_id, seq)
);

-- Which photos share renditions: those of other photos are not removed when one is masked.
CREATE INDEX photos_by_digest ON photos (sha256);
CREATE INDEX photos_by_rendition ON photos (rendition) WHERE rendition IS NOT NULL;
CREATE INDEX photos_with_mask ON photos (id) WHERE mask_version > 0;
CREATE INDEX exposures_of_district ON exposures (district, id);
CREATE INDEX exposures_of_district_by_state ON exposures (district, state, id);
-- What is published: the condition that the public list states in the same words, without parameters.
CREATE INDEX exposures_published ON exposures (published_at, id) WHERE published_at IS NOT NULL AND ended_at IS NULL;
CREATE INDEX exposures_of_photo ON exposures (photo_id, state);
CREATE INDEX exposures_of_ticket ON exposures (ticket_id, id);

-- The histories are append-only, for the server too.
CREATE TRIGGER mask_events_append_only BEFORE UPDATE OR DELETE ON mask_events
    FOR EACH ROW EXECUTE FUNCTION refuse_history_change();
CREATE TRIGGER mask_events_no_truncate BEFORE TRUNCATE ON mask_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_history_change();
CREATE TRIGGER exposure_events_append_only BEFORE UPDATE OR DELETE ON exposure_events
    FOR EACH ROW EXECUTE FUNCTION refuse_history_change();
CREATE TRIGGER exposure_events_no_truncate BEFORE TRUNCATE ON exposure_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_history_change();
