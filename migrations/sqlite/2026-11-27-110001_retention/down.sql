DROP TRIGGER events_no_update;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;
DROP TABLE privacy_runs;
DROP TABLE anonymised;
ALTER TABLE reports DROP COLUMN consent_version;
