-- Every line of a history once more, in one order over all tickets, for those who follow changes as they happen. Swept when
-- it is old: the history itself is in `events`. `turn` is the transaction on PostgreSQL, which commits in another order
-- than it numbers; here whoever writes is alone, and it is 0.
CREATE TABLE ticket_changes (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    turn INTEGER NOT NULL,
    district INTEGER NOT NULL,
    ticket_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX ticket_changes_in_order ON ticket_changes (turn, id);
CREATE INDEX ticket_changes_by_age ON ticket_changes (at);
CREATE TRIGGER events_change AFTER INSERT ON events BEGIN
    INSERT INTO ticket_changes (turn, district, ticket_id, seq, at)
        VALUES (0, NEW.district, NEW.ticket_id, NEW.seq, NEW.at);
END;
-- Where whoever begins before anything happens begins.
INSERT INTO ticket_changes (turn, district, ticket_id, seq, at) VALUES (0, 0, 0, 0, 0);
