-- The labels of a job, as an object of JSON; NULL where there are none, and for jobs that a process of
-- the version before has accepted.

ALTER TABLE jobs ADD COLUMN labels text;
