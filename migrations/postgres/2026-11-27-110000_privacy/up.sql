-- 审计: who did what that has to be answered for later, one chain for the whole installation.
CREATE TABLE audit_lines (
    seq BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    account_id BIGINT,
    subject TEXT,
    -- Where the caller was and the reason given; of these only the digest is hashed, and they may be let go.
    private TEXT,
    -- The text that was hashed.
    content TEXT NOT NULL,
    hash BYTEA NOT NULL
);

CREATE INDEX audit_of_district ON audit_lines (district, seq);
CREATE INDEX audit_of_district_by_kind ON audit_lines (district, kind, seq);
CREATE INDEX audit_of_account ON audit_lines (district, account_id, seq);
CREATE INDEX audit_of_subject ON audit_lines (district, subject, seq);
CREATE INDEX audit_by_time ON audit_lines (at, seq);
CREATE INDEX audit_private ON audit_lines (at, seq) WHERE private IS NOT NULL;

-- Append-only, for the server too; all that may change is that what is private is let go.
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.private IS NULL AND ROW(NEW.seq, NEW.district, NEW.at, NEW.kind, NEW.account_id, NEW.subject,
            NEW.content, NEW.hash) IS NOT DISTINCT FROM ROW(OLD.seq, OLD.district, OLD.at, OLD.kind,
            OLD.account_id, OLD.subject, OLD.content, OLD.hash)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only';
END;
$$;
CREATE TRIGGER audit_lines_append_only BEFORE UPDATE OR DELETE ON audit_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_lines_no_truncate BEFORE TRUNCATE ON audit_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
