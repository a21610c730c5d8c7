DROP INDEX tickets_merged;
ALTER TABLE tickets DROP COLUMN merged_into_id;
