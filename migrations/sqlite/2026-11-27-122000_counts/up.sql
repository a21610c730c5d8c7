-- How many tickets and work orders there are, by unit and state, and where on the map: numbers that are kept, not counted.
-- Every step leaves what it changes as a row of its own, so that no two steps wait for the same number; now and then
-- such rows are added up. What is true is always the sum of both.
CREATE TABLE ticket_deltas (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    district INTEGER NOT NULL,
    grid_id INTEGER NOT NULL,
    community_id INTEGER NOT NULL,
    street_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    category TEXT,
    sensitive INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    lon REAL NOT NULL,
    lat REAL NOT NULL,
    n INTEGER NOT NULL
) STRICT;

-- Tickets that lie in a unit; unit 0 is the whole district.
CREATE TABLE ticket_counts (
    district INTEGER NOT NULL,
    unit_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    sensitive INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (district, unit_id, state, sensitive)
) STRICT, WITHOUT ROWID;

-- Tickets by squares: at level L the world has 2 to the power of L columns from -180 degrees on, and rows of the same size
-- in degrees from -90 on. Category '*' is all of them and '' those without one; month 0 is all of them, others are counted
-- from the year 0. Stage 0 is open, 1 closed, 2 ended without anything having been done. Sums are of millionths of a degree.
CREATE TABLE map_cells (
    district INTEGER NOT NULL,
    level INTEGER NOT NULL,
    category TEXT NOT NULL,
    month INTEGER NOT NULL,
    y INTEGER NOT NULL,
    x INTEGER NOT NULL,
    stage INTEGER NOT NULL,
    sensitive INTEGER NOT NULL,
    n INTEGER NOT NULL,
    lon_sum INTEGER NOT NULL,
    lat_sum INTEGER NOT NULL,
    PRIMARY KEY (district, level, month, y, x, category, stage, sensitive)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_deltas (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    district INTEGER NOT NULL,
    unit_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    n INTEGER NOT NULL
) STRICT;

CREATE TABLE order_counts (
    district INTEGER NOT NULL,
    unit_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (district, unit_id, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER tickets_counted AFTER INSERT ON tickets BEGIN
    INSERT INTO ticket_deltas (district, grid_id, community_id, street_id, state, category, sensitive, created_at, lon, lat, n)
        VALUES (NEW.district, NEW.grid_id, NEW.community_id, NEW.street_id, NEW.state, NEW.category, NEW.sensitive, NEW.created_at, NEW.lon, NEW.lat, 1);
END;
CREATE TRIGGER tickets_recounted AFTER UPDATE OF state, category, sensitive ON tickets
WHEN OLD.state <> NEW.state OR OLD.category IS NOT NEW.category OR OLD.sensitive <> NEW.sensitive BEGIN
    INSERT INTO ticket_deltas (district, grid_id, community_id, street_id, state, category, sensitive, created_at, lon, lat, n)
        VALUES (OLD.district, OLD.grid_id, OLD.community_id, OLD.street_id, OLD.state, OLD.category, OLD.sensitive, OLD.created_at, OLD.lon, OLD.lat, -1);
    INSERT INTO ticket_deltas (district, grid_id, community_id, street_id, state, category, sensitive, created_at, lon, lat, n)
        VALUES (NEW.district, NEW.grid_id, NEW.community_id, NEW.street_id, NEW.state, NEW.category, NEW.sensitive, NEW.created_at, NEW.lon, NEW.lat, 1);
END;
CREATE TRIGGER tickets_uncounted AFTER DELETE ON tickets BEGIN
    INSERT INTO ticket_deltas (district, grid_id, community_id, street_id, state, category, sensitive, created_at, lon, lat, n)
        VALUES (OLD.district, OLD.grid_id, OLD.community_id, OLD.street_id, OLD.state, OLD.category, OLD.sensitive, OLD.created_at, OLD.lon, OLD.lat, -1);
END;
CREATE TRIGGER orders_counted AFTER INSERT ON work_orders BEGIN
    INSERT INTO order_deltas (district, unit_id, state, n) VALUES (NEW.district, NEW.unit_id, NEW.state, 1);
END;
CREATE TRIGGER orders_recounted AFTER UPDATE OF state, unit_id ON work_orders
WHEN OLD.state <> NEW.state OR OLD.unit_id <> NEW.unit_id BEGIN
    INSERT INTO order_deltas (district, unit_id, state, n) VALUES (OLD.district, OLD.unit_id, OLD.state, -1);
    INSERT INTO order_deltas (district, unit_id, state, n) VALUES (NEW.district, NEW.unit_id, NEW.state, 1);
END;
CREATE TRIGGER orders_uncounted AFTER DELETE ON work_orders BEGIN
    INSERT INTO order_deltas (district, unit_id, state, n) VALUES (OLD.district, OLD.unit_id, OLD.state, -1);
END;

-- What is there already is added up by the server in the background.
INSERT INTO ticket_deltas (district, grid_id, community_id, street_id, state, category, sensitive, created_at, lon, lat, n)
    SELECT district, grid_id, community_id, street_id, state, category, sensitive, created_at, lon, lat, 1 FROM tickets;
INSERT INTO order_deltas (district, unit_id, state, n) SELECT district, unit_id, state, 1 FROM work_orders;

-- Tickets around a place, with what a map shows of them, so that a tile reads nothing but the index. The expression and the
-- order stand in the code too.
DROP INDEX tickets_near;
CREATE INDEX tickets_near ON tickets (
    CAST(round(lat * 500) AS BIGINT) * 1000000 + CAST(round(lon * 500) AS BIGINT), created_at, lon, lat, state, category, sensitive,
    urgent, district, grid_id
);
