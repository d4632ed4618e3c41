-- Times are microseconds since 1970 on the clock of this database.
-- States: 0 queued, 1 running, 2 succeeded, 3 failed, 4 cancelled.

CREATE FUNCTION lastcall_now() RETURNS bigint LANGUAGE sql STABLE AS
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint';

CREATE TABLE sessions (
    id         uuid PRIMARY KEY,
    owner      text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    ttl        bigint NOT NULL,
    deleted    boolean NOT NULL DEFAULT false,
    removing   boolean NOT NULL DEFAULT false
);
CREATE INDEX sessions_by_owner ON sessions (owner, id);
-- What a sweep looks at: it costs what has expired, not what lives.
CREATE INDEX sessions_by_end ON sessions (expires_at) WHERE NOT removing;
CREATE INDEX sessions_removing ON sessions (id) WHERE removing;

CREATE TABLE datasets (
    session    uuid NOT NULL,
    name       text COLLATE "C" NOT NULL,
    format     text NOT NULL,
    bytes      bigint NOT NULL,
    sha256     text NOT NULL,
    blob       text NOT NULL,
    created_at bigint NOT NULL,
    columns    text,
    PRIMARY KEY (session, name)
);
CREATE INDEX datasets_by_blob ON datasets (blob);

CREATE TABLE jobs (
    id               uuid PRIMARY KEY,
    session          uuid NOT NULL,
    owner            text NOT NULL,
    service          smallint NOT NULL,
    spec             text NOT NULL,
    state            smallint NOT NULL,
    attempt          bigint NOT NULL,
    interruptions    bigint NOT NULL,
    epoch            bigint NOT NULL,
    cancel_requested boolean NOT NULL,
    holder           uuid,
    lease_until      bigint,
    not_before       bigint,
    -- The job that has to end first, for as long as it has not.
    waits_for        uuid,
    progress         double precision NOT NULL,
    created_at       bigint NOT NULL,
    started_at       bigint,
    finished_at      bigint,
    error            text
);
CREATE INDEX jobs_by_session ON jobs (session, id);
CREATE INDEX jobs_by_owner ON jobs (owner, id);
-- Most jobs have succeeded; a list of the others is not to read past those.
CREATE INDEX jobs_by_state ON jobs (owner, state, id) WHERE state <> 2;
CREATE INDEX jobs_unfinished ON jobs (session) WHERE state < 2;
CREATE INDEX jobs_counted ON jobs (service, state) WHERE state < 2;
-- The queue, in the order in which it is claimed, and what is not yet in it.
CREATE INDEX jobs_ready ON jobs (service, id)
    WHERE state = 0 AND not_before IS NULL AND waits_for IS NULL;
CREATE INDEX jobs_paused ON jobs (service, not_before)
    WHERE state = 0 AND not_before IS NOT NULL;
CREATE INDEX jobs_waiting ON jobs (waits_for) WHERE waits_for IS NOT NULL;
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 1;

CREATE TABLE results (
    job        uuid PRIMARY KEY,
    media_type text NOT NULL,
    bytes      bigint NOT NULL,
    blob       text,
    content    bytea
);

CREATE TABLE answers (
    owner       text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    status      integer NOT NULL,
    location    text,
    body        text NOT NULL,
    created_at  bigint NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX answers_by_age ON answers (created_at);

-- Sessions and jobs that were removed because their time had ended.
CREATE TABLE removed (
    id         uuid PRIMARY KEY,
    owner      text NOT NULL,
    removed_at bigint NOT NULL
);
CREATE INDEX removed_by_age ON removed (removed_at);

-- Who sweeps, and until when that is believed.
CREATE TABLE cleaner (holder uuid NOT NULL, until bigint NOT NULL);
INSERT INTO cleaner VALUES ('00000000-0000-0000-0000-000000000000', 0);

-- Written by a ping, to see whether writing is possible.
CREATE TABLE pulse (beat bigint NOT NULL);
INSERT INTO pulse VALUES (0);
