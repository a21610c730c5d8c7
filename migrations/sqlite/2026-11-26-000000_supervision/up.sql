-- 督办单: the centre demands a reply of a unit by a deadline. An entity of its own beside tickets, with a chain of its own.

CREATE TABLE supervision_orders (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES districts(code),
    number TEXT NOT NULL UNIQUE,
    unit_id INTEGER NOT NULL REFERENCES units(id),
    text TEXT,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    soon_at INTEGER NOT NULL,
    -- The deadline while it presses; lists by urgency are sorted by it.
    pressing_at INTEGER,
    issued_by INTEGER NOT NULL REFERENCES accounts(id),
    issued_at INTEGER NOT NULL,
    replied_by INTEGER,
    replied_at INTEGER,
    accepted_at INTEGER,
    rounds INTEGER NOT NULL,
    last_hash BLOB NOT NULL
) STRICT;

-- The tickets that an order is about.
CREATE TABLE supervision_tickets (
    order_id INTEGER NOT NULL REFERENCES supervision_orders(id),
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    PRIMARY KEY (order_id, ticket_id)
) STRICT;

-- Which photo came with which line.
CREATE TABLE supervision_photos (
    order_id INTEGER NOT NULL REFERENCES supervision_orders(id),
    event_seq INTEGER NOT NULL,
    photo_id INTEGER NOT NULL REFERENCES photos(id),
    PRIMARY KEY (order_id, event_seq, photo_id)
) STRICT;

-- 流转记录 of supervision orders; content is the text that was hashed.
CREATE TABLE supervision_events (
    order_id INTEGER NOT NULL REFERENCES supervision_orders(id),
    seq INTEGER NOT NULL,
    district INTEGER NOT NULL,
    at INTEGER NOT NULL,
    verb TEXT NOT NULL,
    content TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (order_id, seq)
) STRICT;

CREATE INDEX supervision_of_district ON supervision_orders (district, id);
CREATE INDEX supervision_of_district_by_state ON supervision_orders (district, state, id);
CREATE INDEX supervision_of_unit ON supervision_orders (unit_id, id);
CREATE INDEX supervision_of_unit_by_state ON supervision_orders (unit_id, state, id);
CREATE INDEX supervision_urgent_of_district ON supervision_orders (district, pressing_at, id) WHERE pressing_at IS NOT NULL;
CREATE INDEX supervision_urgent_of_unit ON supervision_orders (unit_id, pressing_at, id) WHERE pressing_at IS NOT NULL;
CREATE INDEX supervision_of_ticket ON supervision_tickets (ticket_id, order_id);
CREATE INDEX supervision_of_photo ON supervision_photos (photo_id, order_id);

-- The history is append-only, for the server too.
CREATE TRIGGER supervision_events_no_update BEFORE UPDATE ON supervision_events BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;
CREATE TRIGGER supervision_events_no_delete BEFORE DELETE ON supervision_events BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;
