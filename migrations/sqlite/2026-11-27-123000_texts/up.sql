-- What can be sought in the texts of reports: pairs of Chinese characters and words of other scripts, made by the program
-- (`core::search`), by the key of the ticket. The texts themselves are in `reports`.
CREATE VIRTUAL TABLE ticket_texts USING fts5(
    words, content = '', contentless_delete = 1, detail = none, tokenize = "unicode61 remove_diacritics 0"
);

-- What is there already is looked at by a job.
INSERT INTO jobs (id, kind, subject, state, run_at, attempts, created_at)
    SELECT next_id, 'index_texts', 0, 'waiting', 0, 0, 0 FROM id_blocks
    WHERE EXISTS (SELECT 1 FROM reports);
UPDATE id_blocks SET next_id = next_id + 1;
