-- Times are microseconds since 1970, ids the 16 bytes of a UUID.
-- States: 0 queued, 1 running, 2 succeeded, 3 failed, 4 cancelled.

CREATE TABLE sessions (
    id         BLOB PRIMARY KEY,
    owner      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ttl        INTEGER NOT NULL,
    deleted    INTEGER NOT NULL DEFAULT 0,
    removing   INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX sessions_by_owner ON sessions (owner, id);
-- What a sweep looks at: it costs what has expired, not what lives.
CREATE INDEX sessions_by_end ON sessions (expires_at) WHERE removing = 0;
CREATE INDEX sessions_removing ON sessions (id) WHERE removing = 1;

CREATE TABLE datasets (
    session    BLOB NOT NULL,
    name       TEXT NOT NULL,
    format     TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    blob       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    columns    TEXT,
    PRIMARY KEY (session, name)
) WITHOUT ROWID;
CREATE INDEX datasets_by_blob ON datasets (blob);

CREATE TABLE jobs (
    id               BLOB PRIMARY KEY,
    session          BLOB NOT NULL,
    owner            TEXT NOT NULL,
    service          INTEGER NOT NULL,
    spec             TEXT NOT NULL,
    state            INTEGER NOT NULL,
    attempt          INTEGER NOT NULL,
    interruptions    INTEGER NOT NULL,
    epoch            INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL,
    holder           BLOB,
    lease_until      INTEGER,
    not_before       INTEGER,
    -- The job that has to end first, for as long as it has not.
    waits_for        BLOB,
    progress         REAL NOT NULL,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER,
    finished_at      INTEGER,
    error            TEXT
) WITHOUT ROWID;
CREATE INDEX jobs_by_session ON jobs (session, id);
CREATE INDEX jobs_by_owner ON jobs (owner, id);
-- Most jobs have succeeded; a list of the others is not to read past those.
CREATE INDEX jobs_by_state ON jobs (owner, state, id) WHERE state <> 2;
CREATE INDEX jobs_unfinished ON jobs (session) WHERE state < 2;
-- The queue, in the order in which it is claimed, and what is not yet in it.
CREATE INDEX jobs_ready ON jobs (service, id)
    WHERE state = 0 AND not_before IS NULL AND waits_for IS NULL;
CREATE INDEX jobs_paused ON jobs (service, not_before)
    WHERE state = 0 AND not_before IS NOT NULL;
CREATE INDEX jobs_waiting ON jobs (waits_for) WHERE waits_for IS NOT NULL;
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 1;

CREATE TABLE results (
    job        BLOB PRIMARY KEY,
    media_type TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    blob       TEXT,
    content    BLOB
);

CREATE TABLE answers (
    owner       TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status      INTEGER NOT NULL,
    location    TEXT,
    body        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) WITHOUT ROWID;
CREATE INDEX answers_by_age ON answers (created_at);

-- Sessions and jobs that were removed because their time had ended.
CREATE TABLE removed (
    id         BLOB PRIMARY KEY,
    owner      TEXT NOT NULL,
    removed_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX removed_by_age ON removed (removed_at);

-- Written by a ping, to see whether writing is possible.
CREATE TABLE pulse (beat INTEGER NOT NULL);
INSERT INTO pulse VALUES (0);
