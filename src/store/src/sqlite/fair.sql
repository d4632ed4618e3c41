-- Claims go round the owners, and take the oldest jobs of each.

DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (service, owner, id)
    WHERE state = 0 AND not_before IS NULL AND waits_for IS NULL AND suspect = 0;
