-- 直传: what a client has said that it will send straight to the photo store. `name` is the random name of the object
-- until its bytes have been verified; `photo_id` is the photo that it became.
CREATE TABLE uploads (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    name BYTEA NOT NULL,
    media_type TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    bytes BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    photo_id BIGINT REFERENCES photos(id),
    created_at BIGINT NOT NULL
);
CREATE INDEX uploads_expiring ON uploads (expires_at);
CREATE INDEX uploads_of_account ON uploads (account_id, expires_at);
