-- Jobs whose worker died under them are claimed one at a time, those with the fewest attempts first.

ALTER TABLE jobs ADD COLUMN suspect INTEGER NOT NULL DEFAULT 0;
DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (service, id)
    WHERE state = 0 AND not_before IS NULL AND waits_for IS NULL AND suspect = 0;
CREATE INDEX jobs_suspect ON jobs (service, attempt, id)
    WHERE state = 0 AND not_before IS NULL AND waits_for IS NULL AND suspect = 1;
