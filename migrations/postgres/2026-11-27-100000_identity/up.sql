-- 登录: devices that are signed in, the second factor of officials, and locks after failures.

-- One row for each sign-in on a device. `means` is how; `device` is what the client calls itself. Ended ones are kept until
-- `expires_at`, so that an access token which was given before is known to be of an ended one.
CREATE TABLE sessions (
    id BIGINT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    means TEXT NOT NULL,
    device TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX sessions_of_account ON sessions (account_id, last_at);
CREATE INDEX sessions_expiring ON sessions (expires_at);
-- Every refresh token of a session by its digest, used ones too: one that comes back was stolen, or kept by a thief.
CREATE TABLE refresh_tokens (
    hash BYTEA NOT NULL PRIMARY KEY,
    session_id BIGINT NOT NULL REFERENCES sessions(id),
    used_at BIGINT,
    uses INTEGER NOT NULL
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
-- What an official signs in with besides the password of `accounts`. `factor_step` is the last step of the clock whose code
-- was taken, so that none is taken twice; `factor_since` is null until a first code has shown that the secret arrived.
CREATE TABLE credentials (
    account_id BIGINT NOT NULL PRIMARY KEY REFERENCES accounts(id),
    must_change BOOLEAN NOT NULL,
    factor_sealed BYTEA,
    factor_since BIGINT,
    factor_step BIGINT NOT NULL
);
CREATE TABLE recovery_codes (
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    hash BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (account_id, hash)
);
-- Failures in a row under a key, how often they led to a lock lately, and until when further tries are refused.
CREATE TABLE lockouts (
    key TEXT NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    locks INTEGER NOT NULL,
    locked_until BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
