-- Who holds the lease of a job: a number of one run of one process.
ALTER TABLE jobs ADD COLUMN lease INTEGER;
