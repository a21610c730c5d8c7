-- The first schema. Instants are milliseconds since 1970-01-01T00:00:00Z; coordinates are WGS-84 degrees
-- unless a column says otherwise; words of states, roles and kinds are those of the API.

-- One installation serves many districts; the key is the six-digit administrative code.
CREATE TABLE districts (
    code INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    hours TEXT NOT NULL,
    is_demo BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

-- The five-level tree; departments may have squads, grids micro-grids.
CREATE TABLE units (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES districts(code),
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    level TEXT NOT NULL,
    parent_id BIGINT REFERENCES units(id),
    phone TEXT,
    lon DOUBLE PRECISION,
    lat DOUBLE PRECISION,
    UNIQUE (district, code)
);

-- The catalogue 事项分类.
CREATE TABLE categories (
    district INTEGER NOT NULL REFERENCES districts(code),
    code TEXT NOT NULL,
    kind TEXT NOT NULL,
    major_code TEXT NOT NULL,
    major_name TEXT NOT NULL,
    minor_code TEXT NOT NULL,
    minor_name TEXT NOT NULL,
    urgent BOOLEAN NOT NULL,
    filing_condition TEXT NOT NULL,
    limit_amount INTEGER NOT NULL,
    limit_unit TEXT NOT NULL,
    closing_condition TEXT NOT NULL,
    anonymous_allowed BOOLEAN NOT NULL,
    sensitive BOOLEAN NOT NULL,
    PRIMARY KEY (district, code)
);

-- The duty list 权责清单; the territory is a unit code, the district itself where a duty holds everywhere.
CREATE TABLE duties (
    district INTEGER NOT NULL REFERENCES districts(code),
    category_pattern TEXT NOT NULL,
    territory_code TEXT NOT NULL,
    mode TEXT NOT NULL,
    lead_code TEXT,
    assist_codes TEXT NOT NULL,
    PRIMARY KEY (district, category_pattern, territory_code)
);

-- Days that depart from the week: holidays and make-up days 调休.
CREATE TABLE calendar_days (
    district INTEGER NOT NULL REFERENCES districts(code),
    date TEXT NOT NULL,
    name TEXT NOT NULL,
    is_off_day BOOLEAN NOT NULL,
    PRIMARY KEY (district, date)
);

-- One row for each import of a grid mesh.
CREATE TABLE meshes (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES districts(code),
    source TEXT NOT NULL,
    is_synthetic BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

-- 单元网格 with validity: a redrawn mesh ends the old cells, and an old report keeps its cell.
CREATE TABLE grid_cells (
    id BIGINT NOT NULL PRIMARY KEY,
    mesh_id BIGINT NOT NULL REFERENCES meshes(id),
    district INTEGER NOT NULL,
    unit_id BIGINT NOT NULL REFERENCES units(id),
    code TEXT NOT NULL,
    area TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to BIGINT
);

-- Grows with every change of tree, mesh, catalogue, duties or calendar; processes poll it.
CREATE TABLE registry_revision (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    value BIGINT NOT NULL
);

-- Keys are handed out in blocks, so that a process knows the keys of what it is about to insert.
CREATE TABLE id_blocks (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    next_id BIGINT NOT NULL
);

-- Residents and officials. Phones are sealed and found by a keyed index.
CREATE TABLE accounts (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    kind TEXT NOT NULL,
    login TEXT,
    display_name TEXT NOT NULL,
    password_hash TEXT,
    phone_index BYTEA,
    phone_sealed BYTEA,
    is_active BOOLEAN NOT NULL,
    tokens_from BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (login),
    UNIQUE (phone_index)
);

-- 岗位: a role in a unit. One person may hold several.
CREATE TABLE posts (
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    role TEXT NOT NULL,
    unit_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, role, unit_id)
);

-- The last code sent to a phone; only its hash.
CREATE TABLE login_codes (
    phone_index BYTEA NOT NULL PRIMARY KEY,
    code_hash BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    tries INTEGER NOT NULL,
    sent_at BIGINT NOT NULL
);

-- Counters of attempts in a window.
CREATE TABLE throttles (
    key TEXT NOT NULL PRIMARY KEY,
    window_start BIGINT NOT NULL,
    hits INTEGER NOT NULL
);

-- First answers to requests that carried an Idempotency-Key.
CREATE TABLE idempotency (
    account_id BIGINT NOT NULL,
    key TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, key)
);

-- Pictures by content; the same bytes from the same account are one photo.
CREATE TABLE photos (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    sha256 BYTEA NOT NULL,
    media_type TEXT NOT NULL,
    extension TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    orientation INTEGER NOT NULL,
    taken_at BIGINT,
    gps_lon DOUBLE PRECISION,
    gps_lat DOUBLE PRECISION,
    camera TEXT,
    state TEXT NOT NULL,
    failure TEXT,
    display_width INTEGER,
    display_height INTEGER,
    created_at BIGINT NOT NULL,
    UNIQUE (account_id, sha256)
);

-- 案卷. `version` is the number of its events, `last_hash` the hash of the last one.
CREATE TABLE tickets (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    number TEXT NOT NULL,
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    grid_id BIGINT NOT NULL REFERENCES units(id),
    community_id BIGINT NOT NULL,
    street_id BIGINT NOT NULL,
    category TEXT,
    urgent BOOLEAN NOT NULL,
    responsible_id BIGINT NOT NULL REFERENCES units(id),
    holder_account BIGINT,
    holder_unit BIGINT,
    holder_until BIGINT,
    handler_account BIGINT,
    handler_unit BIGINT,
    returns INTEGER NOT NULL,
    reworks INTEGER NOT NULL,
    reopens INTEGER NOT NULL,
    rated_round INTEGER,
    title TEXT NOT NULL,
    lon DOUBLE PRECISION NOT NULL,
    lat DOUBLE PRECISION NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    filed_at BIGINT,
    due_at BIGINT,
    closed_at BIGINT,
    last_hash BYTEA NOT NULL,
    UNIQUE (number)
);

-- 上报: what one person sent. Never altered.
CREATE TABLE reports (
    id BIGINT NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    receipt TEXT NOT NULL,
    query_code_hash BYTEA NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts(id),
    anonymous BOOLEAN NOT NULL,
    contact_sealed BYTEA,
    channel TEXT NOT NULL,
    text TEXT NOT NULL,
    category TEXT,
    datum TEXT NOT NULL,
    lon_sent DOUBLE PRECISION NOT NULL,
    lat_sent DOUBLE PRECISION NOT NULL,
    lon DOUBLE PRECISION NOT NULL,
    lat DOUBLE PRECISION NOT NULL,
    address TEXT,
    landmark TEXT,
    cell_id BIGINT NOT NULL REFERENCES grid_cells(id),
    grid_id BIGINT NOT NULL,
    distance_m DOUBLE PRECISION NOT NULL,
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    created_at BIGINT NOT NULL,
    UNIQUE (receipt)
);

-- 派遣单
CREATE TABLE work_orders (
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    seq INTEGER NOT NULL,
    district INTEGER NOT NULL,
    unit_id BIGINT NOT NULL REFERENCES units(id),
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    accepted_at BIGINT,
    ended_at BIGINT,
    result TEXT,
    PRIMARY KEY (ticket_id, seq)
);

-- 流转记录: append-only, hash-chained per ticket.
CREATE TABLE events (
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    seq BIGINT NOT NULL,
    district INTEGER NOT NULL,
    at BIGINT NOT NULL,
    verb TEXT NOT NULL,
    public BOOLEAN NOT NULL,
    content TEXT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (ticket_id, seq)
);

-- Which photo stands for what in a ticket.
CREATE TABLE evidence (
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    photo_id BIGINT NOT NULL REFERENCES photos(id),
    stage TEXT NOT NULL,
    district INTEGER NOT NULL,
    report_id BIGINT,
    event_seq BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (ticket_id, photo_id, stage)
);

-- 评价, at most one for each closing.
CREATE TABLE ratings (
    ticket_id BIGINT NOT NULL REFERENCES tickets(id),
    round INTEGER NOT NULL,
    account_id BIGINT NOT NULL,
    district INTEGER NOT NULL,
    solved BOOLEAN NOT NULL,
    stars INTEGER NOT NULL,
    words TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (ticket_id, round, account_id)
);

-- Work off the request path: one row until it is done.
CREATE TABLE jobs (
    id BIGINT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject BIGINT NOT NULL,
    state TEXT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    locked_until BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (kind, subject)
);

CREATE INDEX units_parent ON units (parent_id);
CREATE INDEX grid_cells_current ON grid_cells (district, valid_to);
CREATE INDEX grid_cells_unit ON grid_cells (unit_id);
CREATE INDEX posts_unit ON posts (unit_id, role);
CREATE INDEX idempotency_age ON idempotency (created_at);
CREATE INDEX throttles_age ON throttles (window_start);
CREATE INDEX reports_of_account ON reports (account_id, id);
CREATE INDEX reports_of_ticket ON reports (ticket_id);
CREATE INDEX tickets_of_district ON tickets (district, state, id);
CREATE INDEX tickets_of_street ON tickets (street_id, state, id);
CREATE INDEX tickets_of_community ON tickets (community_id, state, id);
CREATE INDEX tickets_of_grid ON tickets (grid_id, state, id);
CREATE INDEX tickets_of_responsible ON tickets (responsible_id, state, id);
CREATE INDEX tickets_all_of_district ON tickets (district, id);
CREATE INDEX tickets_all_of_street ON tickets (street_id, id);
CREATE INDEX tickets_all_of_community ON tickets (community_id, id);
CREATE INDEX tickets_all_of_grid ON tickets (grid_id, id);
CREATE INDEX tickets_leases ON tickets (holder_until) WHERE holder_until IS NOT NULL;
CREATE INDEX work_orders_of_unit ON work_orders (unit_id, ticket_id);
CREATE INDEX work_orders_due ON work_orders (unit_id, state, due_at, ticket_id);
CREATE INDEX evidence_of_photo ON evidence (photo_id);
CREATE INDEX jobs_due ON jobs (state, run_at);

INSERT INTO registry_revision (id, value) VALUES (1, 1);
INSERT INTO id_blocks (id, next_id) VALUES (1, 1000);

-- The history is append-only, for the server too.
CREATE FUNCTION refuse_history_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history is append-only';
END;
$$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_history_change();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_history_change();
