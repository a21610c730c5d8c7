-- 直传: what a client has said that it will send straight to the photo store. `name` is the random name of the object
-- until its bytes have been verified; `photo_id` is the photo that it became.
CREATE TABLE uploads (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts(id),
    name BLOB NOT NULL,
    media_type TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    photo_id INTEGER REFERENCES photos(id),
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_expiring ON uploads (expires_at);
CREATE INDEX uploads_of_account ON uploads (account_id, expires_at);
