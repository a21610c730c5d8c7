-- 接口密钥: keys by which other systems call the API, each for an account of its own. Only the digest is kept; `scopes` are
-- words, separated by commas.
CREATE TABLE service_keys (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts(id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    hash BLOB NOT NULL,
    created_by INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    UNIQUE (hash)
) STRICT;
CREATE INDEX service_keys_of_district ON service_keys (district, id);
