DROP TRIGGER events_change;
DROP TABLE ticket_changes;
