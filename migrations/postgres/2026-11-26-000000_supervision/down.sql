DROP TABLE supervision_events;
DROP TABLE supervision_photos;
DROP TABLE supervision_tickets;
DROP TABLE supervision_orders;
