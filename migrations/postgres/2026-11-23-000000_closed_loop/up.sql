-- 办理规则、时限计时、审批、吹哨、回访、值班: what the closed loop needs beside the first schema.

-- The loop keeps more of a ticket than its row; what lists are sorted and alarms are found by has columns.
ALTER TABLE tickets ADD COLUMN sensitive BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE tickets ADD COLUMN parent_id BIGINT;
ALTER TABLE tickets ADD COLUMN stage_due_at BIGINT;
ALTER TABLE tickets ADD COLUMN soon_at BIGINT;
ALTER TABLE tickets ADD COLUMN alarm_at BIGINT;
ALTER TABLE tickets ADD COLUMN course TEXT NOT NULL DEFAULT '{}';
ALTER TABLE work_orders ADD COLUMN timer TEXT;
ALTER TABLE work_orders ADD COLUMN handed_by BIGINT;
ALTER TABLE categories ADD COLUMN must_report BOOLEAN NOT NULL DEFAULT FALSE;

-- Work that was given before clocks were kept is looked at when it is due.
UPDATE tickets SET stage_due_at = due_at, soon_at = due_at, alarm_at = due_at
    WHERE state IN ('dispatched', 'handling');
UPDATE tickets SET sensitive = TRUE WHERE EXISTS (
    SELECT 1 FROM categories
    WHERE categories.district = tickets.district AND categories.code = tickets.category AND categories.sensitive);

-- 办理规则, one row for each version.
CREATE TABLE policies (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES districts(code),
    valid_from BIGINT NOT NULL,
    content TEXT NOT NULL,
    created_by BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (district, valid_from)
);

-- 申请与审批, as they stand in the course of the ticket, for lists of what waits for a decision.
CREATE TABLE requests (
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    seq INTEGER NOT NULL,
    district INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    unit_id BIGINT NOT NULL,
    asked_by BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    decided_by BIGINT,
    decided_at BIGINT,
    PRIMARY KEY (ticket_id, seq)
);

-- 吹哨: one row for each summoned unit.
CREATE TABLE summons (
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    seq INTEGER NOT NULL,
    unit_id BIGINT NOT NULL,
    district INTEGER NOT NULL,
    by_unit_id BIGINT NOT NULL,
    meet_at BIGINT NOT NULL,
    answered_at BIGINT,
    signed_in_at BIGINT,
    ended_at BIGINT,
    PRIMARY KEY (ticket_id, seq, unit_id)
);

-- 回访, at most one that reached somebody for each closing.
CREATE TABLE call_backs (
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    round INTEGER NOT NULL,
    district INTEGER NOT NULL,
    called_by BIGINT NOT NULL,
    called_at BIGINT NOT NULL,
    solved TEXT NOT NULL,
    result TEXT NOT NULL,
    process TEXT NOT NULL,
    counted BOOLEAN NOT NULL,
    counted_reason TEXT,
    counted_by BIGINT,
    PRIMARY KEY (ticket_id, round)
);

-- 提醒: what a unit is told about a ticket.
CREATE TABLE notices (
    district INTEGER NOT NULL,
    unit_id BIGINT NOT NULL,
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    event_seq BIGINT NOT NULL,
    verb TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (ticket_id, event_seq, unit_id)
);

-- 请假与替班: while it lasts the substitute acts for the account.
CREATE TABLE absences (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    substitute_id BIGINT NOT NULL REFERENCES accounts(id),
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    reason TEXT NOT NULL,
    created_by BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- 值班表
CREATE TABLE shifts (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    unit_id BIGINT NOT NULL REFERENCES units(id),
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL
);

-- 标准答复, with placeholders.
CREATE TABLE standard_texts (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    title TEXT NOT NULL,
    verb TEXT NOT NULL,
    category_pattern TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX tickets_alarms ON tickets (alarm_at) WHERE alarm_at IS NOT NULL;
CREATE INDEX tickets_urgent_of_district ON tickets (district, stage_due_at, id) WHERE stage_due_at IS NOT NULL;
CREATE INDEX tickets_urgent_of_street ON tickets (street_id, stage_due_at, id) WHERE stage_due_at IS NOT NULL;
CREATE INDEX tickets_urgent_of_community ON tickets (community_id, stage_due_at, id) WHERE stage_due_at IS NOT NULL;
CREATE INDEX tickets_urgent_of_grid ON tickets (grid_id, stage_due_at, id) WHERE stage_due_at IS NOT NULL;
CREATE INDEX tickets_of_parent ON tickets (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX requests_waiting ON requests (district, state, ticket_id, seq);
CREATE INDEX summons_of_unit ON summons (unit_id, meet_at);
CREATE INDEX notices_of_unit ON notices (unit_id, at, ticket_id, event_seq);
CREATE INDEX absences_of_substitute ON absences (substitute_id, to_at);
CREATE INDEX absences_of_account ON absences (account_id, to_at);
CREATE INDEX shifts_of_unit ON shifts (unit_id, to_at);
CREATE INDEX standard_texts_of_district ON standard_texts (district, id);
