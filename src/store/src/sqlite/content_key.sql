-- What a result answers, so that the same question is answered with it again. NULL where it is not.

ALTER TABLE results ADD COLUMN content_key BLOB;
CREATE INDEX results_by_content ON results (content_key, job) WHERE content_key IS NOT NULL;
