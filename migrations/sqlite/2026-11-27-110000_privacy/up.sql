-- 审计: who did what that has to be answered for later, one chain for the whole installation.
CREATE TABLE audit_lines (
    seq INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    account_id INTEGER,
    subject TEXT,
    -- Where the caller was and the reason given; of these only the digest is hashed, and they may be let go.
    private TEXT,
    -- The text that was hashed.
    content TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE INDEX audit_of_district ON audit_lines (district, seq);
CREATE INDEX audit_of_district_by_kind ON audit_lines (district, kind, seq);
CREATE INDEX audit_of_account ON audit_lines (district, account_id, seq);
CREATE INDEX audit_of_subject ON audit_lines (district, subject, seq);
CREATE INDEX audit_by_time ON audit_lines (at, seq);
CREATE INDEX audit_private ON audit_lines (at, seq) WHERE private IS NOT NULL;

-- Append-only, for the server too; all that may change is that what is private is let go.
CREATE TRIGGER audit_lines_no_update BEFORE UPDATE ON audit_lines
WHEN NEW.private IS NOT NULL OR NEW.seq IS NOT OLD.seq OR NEW.district IS NOT OLD.district OR NEW.at IS NOT OLD.at
    OR NEW.kind IS NOT OLD.kind OR NEW.account_id IS NOT OLD.account_id OR NEW.subject IS NOT OLD.subject
    OR NEW.content IS NOT OLD.content OR NEW.hash IS NOT OLD.hash
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER audit_lines_no_delete BEFORE DELETE ON audit_lines BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
