-- The labels of a job, as an object of JSON; NULL where there are none.

ALTER TABLE jobs ADD COLUMN labels TEXT;
