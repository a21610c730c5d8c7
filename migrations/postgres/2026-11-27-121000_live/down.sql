DROP TRIGGER events_change ON events;
DROP FUNCTION note_ticket_changes();
DROP TABLE ticket_changes;
