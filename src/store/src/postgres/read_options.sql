-- How a dataset is to be read. What was kept of its columns says nothing of how they were read.
ALTER TABLE datasets ADD COLUMN read text NOT NULL DEFAULT '{}';
UPDATE datasets SET columns = NULL;
