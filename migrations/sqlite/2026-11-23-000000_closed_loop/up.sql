-- 办理规则、时限计时、审批、吹哨、回访、值班: what the closed loop needs beside the first schema.

-- The loop keeps more of a ticket than its row; what lists are sorted and alarms are found by has columns.
ALTER TABLE tickets ADD COLUMN sensitive INTEGER NOT NULL DEFAULT 0 CHECK (sensitive IN (0, 1));
ALTER TABLE tickets ADD COLUMN parent_id INTEGER;
ALTER TABLE tickets ADD COLUMN stage_due_at INTEGER;
ALTER TABLE tickets ADD COLUMN soon_at INTEGER;
ALTER TABLE tickets ADD COLUMN alarm_at INTEGER;
ALTER TABLE tickets ADD COLUMN course TEXT NOT NULL DEFAULT '{}';
ALTER TABLE work_orders ADD COLUMN timer TEXT;
ALTER TABLE work_orders ADD COLUMN handed_by INTEGER;
ALTER TABLE categories ADD COLUMN must_report INTEGER NOT NULL DEFAULT 0 CHECK (must_report IN (0, 1));

-- Work that was given before clocks were kept is looked at when it is due.
UPDATE tickets SET stage_due_at = due_at, soon_at = due_at, alarm_at = due_at
    WHERE state IN ('dispatched', 'handling');
UPDATE tickets SET sensitive = 1 WHERE EXISTS (
    SELECT 1 FROM categories
    WHERE categories.district = tickets.district AND categories.code = tickets.category AND categories.sensitive = 1);

-- 办理规则, one row for each version.
CREATE TABLE policies (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES districts(code),
    valid_from INTEGER NOT NULL,
    content TEXT NOT NULL,
    created_by INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (district, valid_from)
) STRICT;

-- 申请与审批, as they stand in the course of the ticket, for lists of what waits for a decision.
CREATE TABLE requests (
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    seq INTEGER NOT NULL,
    district INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    unit_id INTEGER NOT NULL,
    asked_by INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    decided_by INTEGER,
    decided_at INTEGER,
    PRIMARY KEY (ticket_id, seq)
) STRICT;

-- 吹哨: one row for each summoned unit.
CREATE TABLE summons (
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    seq INTEGER NOT NULL,
    unit_id INTEGER NOT NULL,
    district INTEGER NOT NULL,
    by_unit_id INTEGER NOT NULL,
    meet_at INTEGER NOT NULL,
    answered_at INTEGER,
    signed_in_at INTEGER,
    ended_at INTEGER,
    PRIMARY KEY (ticket_id, seq, unit_id)
) STRICT;

-- 回访, at most one that reached somebody for each closing.
CREATE TABLE call_backs (
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    round INTEGER NOT NULL,
    district INTEGER NOT NULL,
    called_by INTEGER NOT NULL,
    called_at INTEGER NOT NULL,
    solved TEXT NOT NULL,
    result TEXT NOT NULL,
    process TEXT NOT NULL,
    counted INTEGER NOT NULL CHECK (counted IN (0, 1)),
    counted_reason TEXT,
    counted_by INTEGER,
    PRIMARY KEY (ticket_id, round)
) STRICT;

-- 提醒: what a unit is told about a ticket.
CREATE TABLE notices (
    district INTEGER NOT NULL,
    unit_id INTEGER NOT NULL,
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    event_seq INTEGER NOT NULL,
    verb TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (ticket_id, event_seq, unit_id)
) STRICT;

-- 请假与替班: while it lasts the substitute acts for the account.
CREATE TABLE absences (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts(id),
    substitute_id INTEGER NOT NULL REFERENCES accounts(id),
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_by INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- 值班表
CREATE TABLE shifts (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    unit_id INTEGER NOT NULL REFERENCES units(id),
    account_id INTEGER NOT NULL REFERENCES accounts(id),
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL
) STRICT;

-- 标准答复, with placeholders.
CREATE TABLE standard_texts (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    title TEXT NOT NULL,
    verb TEXT NOT NULL,
    category_pattern TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

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
