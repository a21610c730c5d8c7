DROP INDEX tickets_near;
CREATE INDEX tickets_near ON tickets (
    (CAST(round(lat * 500) AS BIGINT) * 1000000 + CAST(round(lon * 500) AS BIGINT)), created_at
);
DROP TRIGGER orders_recounted ON work_orders;
DROP TRIGGER orders_counted ON work_orders;
DROP TRIGGER tickets_recounted ON tickets;
DROP TRIGGER tickets_counted ON tickets;
DROP FUNCTION count_order();
DROP FUNCTION count_ticket();
DROP TABLE order_counts;
DROP TABLE order_deltas;
DROP TABLE map_cells;
DROP TABLE ticket_counts;
DROP TABLE ticket_deltas;
