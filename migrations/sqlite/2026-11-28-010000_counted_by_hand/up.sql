-- A new ticket is counted by the statement after it. For the sake of a trigger SQLite copied, before each row, every page
-- of the table and of its indexes that the row would change, in case that it had to be undone halfway.
DROP TRIGGER tickets_counted;
