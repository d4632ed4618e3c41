-- Claims go round the owners, and take the oldest jobs of each. The owners are in the order of their
-- bytes, on every machine. A process of the version before, which claims in the order of the ids
-- until it is replaced, sorts for that.

DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (service, owner COLLATE "C", id)
    WHERE state = 0 AND not_before IS NULL AND waits_for IS NULL AND NOT suspect;
