-- A line of a history is noted for those who follow changes by the statement after it. For the sake of a trigger SQLite
-- copied, before each line, every page that it would change, in case that it had to be undone halfway.
DROP TRIGGER events_change;
