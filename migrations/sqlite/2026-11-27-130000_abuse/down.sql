DROP TABLE restrictions;
DROP TABLE false_reports;
ALTER TABLE accounts DROP COLUMN restricted_until;
ALTER TABLE accounts DROP COLUMN distrusted_until;
DROP INDEX tickets_held;
ALTER TABLE tickets DROP COLUMN held;
