-- 断点续传: uploads by the tus protocol. `received` bytes of `length` are kept, as objects of the photo store, one for each
-- row of `resumable_parts`. `sha256` is what the client claims; `photo_id` is the photo that it became; `failure` is why it
-- became none, as JSON of code, zh and en.
CREATE TABLE resumable_uploads (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    length BIGINT NOT NULL,
    received BIGINT NOT NULL,
    metadata TEXT,
    sha256 BYTEA,
    state TEXT NOT NULL,
    photo_id BIGINT REFERENCES photos(id),
    failure TEXT,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX resumable_uploads_expiring ON resumable_uploads (expires_at);
CREATE INDEX resumable_uploads_of_account ON resumable_uploads (account_id, expires_at);
-- `name` is the random name of the object. The row is written before the object, so that none is ever forgotten; it counts
-- once it is `kept`.
CREATE TABLE resumable_parts (
    name BYTEA NOT NULL PRIMARY KEY,
    upload_id BIGINT NOT NULL REFERENCES resumable_uploads(id),
    start BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    kept BOOLEAN NOT NULL
);
CREATE INDEX resumable_parts_of_upload ON resumable_parts (upload_id, start);
