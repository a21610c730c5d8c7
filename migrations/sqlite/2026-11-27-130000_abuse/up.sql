-- 疑似垃圾信息 and 限制上报: reports that the centre looks at first, what was refused as false, and reporters whose reports are
-- not taken for a while.

-- Whether a ticket waits for the centre's look. Why, is in its course.
ALTER TABLE tickets ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tickets_held ON tickets (district, id) WHERE held;

-- Until when reports of an account are looked at first, and until when none is taken; both follow from the tables below.
ALTER TABLE accounts ADD COLUMN distrusted_until INTEGER;
ALTER TABLE accounts ADD COLUMN restricted_until INTEGER;

CREATE TABLE false_reports (
    account_id INTEGER NOT NULL REFERENCES accounts(id),
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    at INTEGER NOT NULL,
    PRIMARY KEY (account_id, ticket_id)
) STRICT;

CREATE TABLE restrictions (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES districts(code),
    account_id INTEGER NOT NULL REFERENCES accounts(id),
    -- The ticket by whose report the reporter was found.
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    reason TEXT NOT NULL,
    restricted_by INTEGER NOT NULL REFERENCES accounts(id),
    created_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    appeal TEXT,
    appealed_at INTEGER,
    -- lifted or kept
    decision TEXT,
    decision_words TEXT,
    decided_by INTEGER,
    decided_at INTEGER
) STRICT;
CREATE INDEX restrictions_district ON restrictions (district, id);
CREATE INDEX restrictions_account ON restrictions (account_id, id);
