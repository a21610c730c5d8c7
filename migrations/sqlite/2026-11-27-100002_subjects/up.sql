-- Who an account is to somebody else who signs people in, such as the mini-programs of a platform: by a keyed index.
CREATE TABLE subjects (
    provider TEXT NOT NULL,
    subject BLOB NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts(id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (provider, subject)
) STRICT;
CREATE UNIQUE INDEX subjects_of_account ON subjects (account_id, provider);
