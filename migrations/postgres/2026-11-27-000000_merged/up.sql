-- 并案: the ticket that goes on for a ticket that was found to be the same.
ALTER TABLE tickets ADD COLUMN merged_into_id BIGINT;
CREATE INDEX tickets_merged ON tickets (merged_into_id) WHERE merged_into_id IS NOT NULL;
