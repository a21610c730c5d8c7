CREATE TRIGGER events_change AFTER INSERT ON events BEGIN
    INSERT INTO ticket_changes (turn, district, ticket_id, seq, at)
        VALUES (0, NEW.district, NEW.ticket_id, NEW.seq, NEW.at);
END;
