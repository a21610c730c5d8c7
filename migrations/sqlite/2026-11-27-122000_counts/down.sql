DROP INDEX tickets_near;
CREATE INDEX tickets_near ON tickets (
    CAST(round(lat * 500) AS BIGINT) * 1000000 + CAST(round(lon * 500) AS BIGINT), created_at
);
DROP TRIGGER orders_uncounted;
DROP TRIGGER orders_recounted;
DROP TRIGGER orders_counted;
DROP TRIGGER tickets_uncounted;
DROP TRIGGER tickets_recounted;
DROP TRIGGER tickets_counted;
DROP TABLE order_counts;
DROP TABLE order_deltas;
DROP TABLE map_cells;
DROP TABLE ticket_counts;
DROP TABLE ticket_deltas;
