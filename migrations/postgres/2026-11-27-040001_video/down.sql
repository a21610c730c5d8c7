ALTER TABLE photos DROP COLUMN duration_ms;
ALTER TABLE photos DROP COLUMN kind;
