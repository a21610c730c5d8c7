DROP TRIGGER events_append_only ON events;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_history_change();
DROP FUNCTION refuse_event_change();
DROP TABLE privacy_runs;
DROP TABLE anonymised;
ALTER TABLE reports DROP COLUMN consent_version;
