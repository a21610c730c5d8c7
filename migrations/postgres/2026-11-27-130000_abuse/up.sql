-- 疑似垃圾信息 and 限制上报: reports that the centre looks at first, what was refused as false, and reporters whose reports are
-- not taken for a while.

-- Whether a ticket waits for the centre's look. Why, is in its course.
ALTER TABLE tickets ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX tickets_held ON tickets (district, id) WHERE held;

-- Until when reports of an account are looked at first, and until when none is taken; both follow from the tables below.
ALTER TABLE accounts ADD COLUMN distrusted_until BIGINT;
ALTER TABLE accounts ADD COLUMN restricted_until BIGINT;

CREATE TABLE false_reports (
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    at BIGINT NOT NULL,
    PRIMARY KEY (account_id, ticket_id)
);

CREATE TABLE restrictions (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES districts(code),
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    -- The ticket by whose report the reporter was found.
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    reason TEXT NOT NULL,
    restricted_by BIGINT NOT NULL REFERENCES accounts(id),
    created_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    appeal TEXT,
    appealed_at BIGINT,
    -- lifted or kept
    decision TEXT,
    decision_words TEXT,
    decided_by BIGINT,
    decided_at BIGINT
);
CREATE INDEX restrictions_district ON restrictions (district, id);
CREATE INDEX restrictions_account ON restrictions (account_id, id);
