-- Tickets that are put in with one statement are counted with one, instead of one for each.
CREATE FUNCTION count_new_tickets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- As with changes: whoever fills or moves an installation counts at the end.
    IF current_setting('suishoupai.filling', true) = 'on' THEN
        RETURN NULL;
    END IF;
    INSERT INTO ticket_deltas (district, grid_id, community_id, street_id, state, category, sensitive, created_at, lon, lat, n)
        SELECT district, grid_id, community_id, street_id, state, category, sensitive, created_at, lon, lat, 1 FROM fresh;
    RETURN NULL;
END $$;
DROP TRIGGER tickets_counted ON tickets;
CREATE TRIGGER tickets_counted AFTER INSERT ON tickets
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_new_tickets();
CREATE TRIGGER tickets_uncounted AFTER DELETE ON tickets
    FOR EACH ROW EXECUTE FUNCTION count_ticket();
