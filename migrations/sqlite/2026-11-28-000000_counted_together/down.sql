-- Triggers of SQLite are for each row; there is nothing to change, and both engines keep the same versions of the schema.
SELECT 1;
