-- The version of the notice on personal data that the reporter agreed to.
ALTER TABLE reports ADD COLUMN consent_version TEXT;

-- Tickets whose reports and histories hold no personal data any more. The line of the audit trail says of every text that
-- was changed what it is now, so that the chain of the ticket can still be verified.
CREATE TABLE anonymised (
    ticket_id BIGINT NOT NULL PRIMARY KEY REFERENCES tickets(id),
    district INTEGER NOT NULL,
    audit_seq BIGINT NOT NULL,
    at BIGINT NOT NULL
);

-- What residents asked for, and what was done by itself, with the outcome.
CREATE TABLE privacy_runs (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- Whose data; none for what is done for all.
    account_id BIGINT,
    state TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    finished_at BIGINT,
    -- Numbers by name, as JSON.
    report TEXT NOT NULL,
    -- What was exported, sealed, until it expires.
    data_sealed BYTEA,
    expires_at BIGINT
);
CREATE INDEX privacy_runs_of_account ON privacy_runs (account_id, id);
CREATE INDEX privacy_runs_of_district ON privacy_runs (district, id);
CREATE INDEX privacy_runs_open ON privacy_runs (kind, state, id);
CREATE INDEX privacy_runs_expiring ON privacy_runs (expires_at) WHERE expires_at IS NOT NULL;

-- A line of a history stays as it is, save the text of one whose ticket has been anonymised; its hash stays.
CREATE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF ROW(NEW.ticket_id, NEW.seq, NEW.district, NEW.at, NEW.verb, NEW.public, NEW.hash) IS NOT DISTINCT FROM
            ROW(OLD.ticket_id, OLD.seq, OLD.district, OLD.at, OLD.verb, OLD.public, OLD.hash)
            AND EXISTS (SELECT 1 FROM anonymised WHERE anonymised.ticket_id = OLD.ticket_id)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the history is append-only';
END;
$$;
DROP TRIGGER events_append_only ON events;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_event_change();
