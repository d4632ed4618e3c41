-- Of the jobs of an owner, claims take those of normal priority (0) before those of low priority (1).
-- A process of the version before, which knows of none, sorts for its claims until it is replaced.

ALTER TABLE jobs ADD COLUMN priority smallint NOT NULL DEFAULT 0;
DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (service, owner COLLATE "C", priority, id)
    WHERE state = 0 AND not_before IS NULL AND waits_for IS NULL AND NOT suspect;
