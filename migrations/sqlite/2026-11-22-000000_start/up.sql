-- The first schema. Instants are milliseconds since 1970-01-01T00:00:00Z; coordinates are WGS-84 degrees
-- unless a column says otherwise; words of states, roles and kinds are those of the API.

-- One installation serves many districts; the key is the six-digit administrative code.
CREATE TABLE districts (
    code INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    hours TEXT NOT NULL,
    is_demo INTEGER NOT NULL CHECK (is_demo IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

-- The five-level tree; departments may have squads, grids micro-grids.
CREATE TABLE units (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES districts(code),
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    level TEXT NOT NULL,
    parent_id INTEGER REFERENCES units(id),
    phone TEXT,
    lon REAL,
    lat REAL,
    UNIQUE (district, code)
) STRICT;

-- The catalogue 事项分类.
CREATE TABLE categories (
    district INTEGER NOT NULL REFERENCES districts(code),
    code TEXT NOT NULL,
    kind TEXT NOT NULL,
    major_code TEXT NOT NULL,
    major_name TEXT NOT NULL,
    minor_code TEXT NOT NULL,
    minor_name TEXT NOT NULL,
    urgent INTEGER NOT NULL CHECK (urgent IN (0, 1)),
    filing_condition TEXT NOT NULL,
    limit_amount INTEGER NOT NULL,
    limit_unit TEXT NOT NULL,
    closing_condition TEXT NOT NULL,
    anonymous_allowed INTEGER NOT NULL CHECK (anonymous_allowed IN (0, 1)),
    sensitive INTEGER NOT NULL CHECK (sensitive IN (0, 1)),
    PRIMARY KEY (district, code)
) STRICT;

-- The duty list 权责清单; the territory is a unit code, the district itself where a duty holds everywhere.
CREATE TABLE duties (
    district INTEGER NOT NULL REFERENCES districts(code),
    category_pattern TEXT NOT NULL,
    territory_code TEXT NOT NULL,
    mode TEXT NOT NULL,
    lead_code TEXT,
    assist_codes TEXT NOT NULL,
    PRIMARY KEY (district, category_pattern, territory_code)
) STRICT;

-- Days that depart from the week: holidays and make-up days 调休.
CREATE TABLE calendar_days (
    district INTEGER NOT NULL REFERENCES districts(code),
    date TEXT NOT NULL,
    name TEXT NOT NULL,
    is_off_day INTEGER NOT NULL CHECK (is_off_day IN (0, 1)),
    PRIMARY KEY (district, date)
) STRICT, WITHOUT ROWID;

-- One row for each import of a grid mesh.
CREATE TABLE meshes (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES districts(code),
    source TEXT NOT NULL,
    is_synthetic INTEGER NOT NULL CHECK (is_synthetic IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

-- 单元网格 with validity: a redrawn mesh ends the old cells, and an old report keeps its cell.
CREATE TABLE grid_cells (
    id INTEGER NOT NULL PRIMARY KEY,
    mesh_id INTEGER NOT NULL REFERENCES meshes(id),
    district INTEGER NOT NULL,
    unit_id INTEGER NOT NULL REFERENCES units(id),
    code TEXT NOT NULL,
    area TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
) STRICT;

-- Grows with every change of tree, mesh, catalogue, duties or calendar; processes poll it.
CREATE TABLE registry_revision (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL
) STRICT;

-- Keys are handed out in blocks, so that a process knows the keys of what it is about to insert.
CREATE TABLE id_blocks (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    next_id INTEGER NOT NULL
) STRICT;

-- Residents and officials. Phones are sealed and found by a keyed index.
CREATE TABLE accounts (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    kind TEXT NOT NULL,
    login TEXT,
    display_name TEXT NOT NULL,
    password_hash TEXT,
    phone_index BLOB,
    phone_sealed BLOB,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    tokens_from INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (login),
    UNIQUE (phone_index)
) STRICT;

-- 岗位: a role in a unit. One person may hold several.
CREATE TABLE posts (
    account_id INTEGER NOT NULL REFERENCES accounts(id),
    role TEXT NOT NULL,
    unit_id INTEGER NOT NULL,
    PRIMARY KEY (account_id, role, unit_id)
) STRICT, WITHOUT ROWID;

-- The last code sent to a phone; only its hash.
CREATE TABLE login_codes (
    phone_index BLOB NOT NULL PRIMARY KEY,
    code_hash BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    sent_at INTEGER NOT NULL
) STRICT;

-- Counters of attempts in a window.
CREATE TABLE throttles (
    key TEXT NOT NULL PRIMARY KEY,
    window_start INTEGER NOT NULL,
    hits INTEGER NOT NULL
) STRICT;

-- First answers to requests that carried an Idempotency-Key.
CREATE TABLE idempotency (
    account_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

-- Pictures by content; the same bytes from the same account are one photo.
CREATE TABLE photos (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts(id),
    sha256 BLOB NOT NULL,
    media_type TEXT NOT NULL,
    extension TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    orientation INTEGER NOT NULL,
    taken_at INTEGER,
    gps_lon REAL,
    gps_lat REAL,
    camera TEXT,
    state TEXT NOT NULL,
    failure TEXT,
    display_width INTEGER,
    display_height INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (account_id, sha256)
) STRICT;

-- 案卷. `version` is the number of its events, `last_hash` the hash of the last one.
CREATE TABLE tickets (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    number TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    grid_id INTEGER NOT NULL REFERENCES units(id),
    community_id INTEGER NOT NULL,
    street_id INTEGER NOT NULL,
    category TEXT,
    urgent INTEGER NOT NULL CHECK (urgent IN (0, 1)),
    responsible_id INTEGER NOT NULL REFERENCES units(id),
    holder_account INTEGER,
    holder_unit INTEGER,
    holder_until INTEGER,
    handler_account INTEGER,
    handler_unit INTEGER,
    returns INTEGER NOT NULL,
    reworks INTEGER NOT NULL,
    reopens INTEGER NOT NULL,
    rated_round INTEGER,
    title TEXT NOT NULL,
    lon REAL NOT NULL,
    lat REAL NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    filed_at INTEGER,
    due_at INTEGER,
    closed_at INTEGER,
    last_hash BLOB NOT NULL,
    UNIQUE (number)
) STRICT;

-- 上报: what one person sent. Never altered.
CREATE TABLE reports (
    id INTEGER NOT NULL PRIMARY KEY,
    district INTEGER NOT NULL,
    receipt TEXT NOT NULL,
    query_code_hash BLOB NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts(id),
    anonymous INTEGER NOT NULL CHECK (anonymous IN (0, 1)),
    contact_sealed BLOB,
    channel TEXT NOT NULL,
    text TEXT NOT NULL,
    category TEXT,
    datum TEXT NOT NULL,
    lon_sent REAL NOT NULL,
    lat_sent REAL NOT NULL,
    lon REAL NOT NULL,
    lat REAL NOT NULL,
    address TEXT,
    landmark TEXT,
    cell_id INTEGER NOT NULL REFERENCES grid_cells(id),
    grid_id INTEGER NOT NULL,
    distance_m REAL NOT NULL,
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    created_at INTEGER NOT NULL,
    UNIQUE (receipt)
) STRICT;

-- 派遣单
CREATE TABLE work_orders (
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    seq INTEGER NOT NULL,
    district INTEGER NOT NULL,
    unit_id INTEGER NOT NULL REFERENCES units(id),
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    accepted_at INTEGER,
    ended_at INTEGER,
    result TEXT,
    PRIMARY KEY (ticket_id, seq)
) STRICT;

-- 流转记录: append-only, hash-chained per ticket.
CREATE TABLE events (
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    seq INTEGER NOT NULL,
    district INTEGER NOT NULL,
    at INTEGER NOT NULL,
    verb TEXT NOT NULL,
    public INTEGER NOT NULL CHECK (public IN (0, 1)),
    content TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (ticket_id, seq)
) STRICT;

-- Which photo stands for what in a ticket.
CREATE TABLE evidence (
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    photo_id INTEGER NOT NULL REFERENCES photos(id),
    stage TEXT NOT NULL,
    district INTEGER NOT NULL,
    report_id INTEGER,
    event_seq INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (ticket_id, photo_id, stage)
) STRICT, WITHOUT ROWID;

-- 评价, at most one for each closing.
CREATE TABLE ratings (
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    round INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    district INTEGER NOT NULL,
    solved INTEGER NOT NULL CHECK (solved IN (0, 1)),
    stars INTEGER NOT NULL,
    words TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (ticket_id, round, account_id)
) STRICT, WITHOUT ROWID;

-- Work off the request path: one row until it is done.
CREATE TABLE jobs (
    id INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject INTEGER NOT NULL,
    state TEXT NOT NULL,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    locked_until INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (kind, subject)
) STRICT;

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
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'the history is append-only');
END;
