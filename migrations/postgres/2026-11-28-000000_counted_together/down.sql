DROP TRIGGER tickets_uncounted ON tickets;
DROP TRIGGER tickets_counted ON tickets;
DROP FUNCTION count_new_tickets();
CREATE TRIGGER tickets_counted AFTER INSERT OR DELETE ON tickets
    FOR EACH ROW EXECUTE FUNCTION count_ticket();
