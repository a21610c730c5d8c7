-- 接口密钥: keys by which other systems call the API, each for an account of its own. Only the digest is kept; `scopes` are
-- words, separated by commas.
CREATE TABLE service_keys (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    hash BYTEA NOT NULL,
    created_by BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    UNIQUE (hash)
);
CREATE INDEX service_keys_of_district ON service_keys (district, id);
