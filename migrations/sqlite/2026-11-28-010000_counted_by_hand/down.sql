CREATE TRIGGER tickets_counted AFTER INSERT ON tickets BEGIN
    INSERT INTO ticket_deltas (district, grid_id, community_id, street_id, state, category, sensitive, created_at, lon, lat, n)
        VALUES (NEW.district, NEW.grid_id, NEW.community_id, NEW.street_id, NEW.state, NEW.category, NEW.sensitive, NEW.created_at, NEW.lon, NEW.lat, 1);
END;
