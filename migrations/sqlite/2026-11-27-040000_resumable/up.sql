-- 断点续传: uploads by the tus protocol. `received` bytes of `length` are kept, as objects of the photo store, one for each
-- row of `resumable_parts`. `sha256` is what the client claims; `photo_id` is the photo that it became; `failure` is why it
-- became none, as JSON of code, zh and en.
CREATE TABLE resumable_uploads (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts(id),
    length INTEGER NOT NULL,
    received INTEGER NOT NULL,
    metadata TEXT,
    sha256 BLOB,
    state TEXT NOT NULL,
    photo_id INTEGER REFERENCES photos(id),
    failure TEXT,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX resumable_uploads_expiring ON resumable_uploads (expires_at);
CREATE INDEX resumable_uploads_of_account ON resumable_uploads (account_id, expires_at);
-- `name` is the random name of the object. The row is written before the object, so that none is ever forgotten; it counts
-- once it is `kept`.
CREATE TABLE resumable_parts (
    name BLOB NOT NULL PRIMARY KEY,
    upload_id INTEGER NOT NULL REFERENCES resumable_uploads(id),
    start INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    kept INTEGER NOT NULL
) STRICT;
CREATE INDEX resumable_parts_of_upload ON resumable_parts (upload_id, start);
