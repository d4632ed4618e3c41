-- Of the jobs of an owner, claims take those of normal priority (0) before those of low priority (1).

ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (service, owner, priority, id)
    WHERE state = 0 AND not_before IS NULL AND waits_for IS NULL AND suspect = 0;
