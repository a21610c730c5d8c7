-- The version of the notice on personal data that the reporter agreed to.
ALTER TABLE reports ADD COLUMN consent_version TEXT;

-- Tickets whose reports and histories hold no personal data any more. The line of the audit trail says of every text that
-- was changed what it is now, so that the chain of the ticket can still be verified.
CREATE TABLE anonymised (
    ticket_id INTEGER NOT NULL PRIMARY KEY REFERENCES tickets(id),
    district INTEGER NOT NULL,
    audit_seq INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- What residents asked for, and what was done by itself, with the outcome.
CREATE TABLE privacy_runs (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- Whose data; none for what is done for all.
    account_id INTEGER,
    state TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    finished_at INTEGER,
    -- Numbers by name, as JSON.
    report TEXT NOT NULL,
    -- What was exported, sealed, until it expires.
    data_sealed BLOB,
    expires_at INTEGER
) STRICT;
CREATE INDEX privacy_runs_of_account ON privacy_runs (account_id, id);
CREATE INDEX privacy_runs_of_district ON privacy_runs (district, id);
CREATE INDEX privacy_runs_open ON privacy_runs (kind, state, id);
CREATE INDEX privacy_runs_expiring ON privacy_runs (expires_at) WHERE expires_at IS NOT NULL;

-- A line of a history stays as it is, save the text of one whose ticket has been anonymised; its hash stays.
DROP TRIGGER events_no_update;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
WHEN NEW.ticket_id IS NOT OLD.ticket_id OR NEW.seq IS NOT OLD.seq OR NEW.district IS NOT OLD.district
    OR NEW.at IS NOT OLD.at OR NEW.verb IS NOT OLD.verb OR NEW.public IS NOT OLD.public OR NEW.hash IS NOT OLD.hash
    OR NOT EXISTS (SELECT 1 FROM anonymised WHERE anonymised.ticket_id = OLD.ticket_id)
BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;
