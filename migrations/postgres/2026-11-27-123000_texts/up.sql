-- What can be sought in the texts of reports: pairs of Chinese characters and words of other scripts, made by the program
-- (`core::search`), by the key of the ticket. The texts themselves are in `reports`.
CREATE TABLE ticket_texts (
    ticket_id BIGINT NOT NULL PRIMARY KEY,
    words TEXT[] NOT NULL
);
-- How frequent words are decides whether to look them up or to go through the newest tickets.
ALTER TABLE ticket_texts ALTER COLUMN words SET STATISTICS 1000;
CREATE INDEX ticket_texts_words ON ticket_texts USING gin (words);

-- What is there already is looked at by a job.
INSERT INTO jobs (id, kind, subject, state, run_at, attempts, created_at)
    SELECT next_id, 'index_texts', 0, 'waiting', 0, 0, 0 FROM id_blocks
    WHERE EXISTS (SELECT 1 FROM reports);
UPDATE id_blocks SET next_id = next_id + 1;
