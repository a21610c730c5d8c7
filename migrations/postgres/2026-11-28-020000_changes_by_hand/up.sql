-- PostgreSQL notes lines of histories by a trigger for each statement; there is nothing to change, and both engines keep the
-- same versions of the schema.
SELECT 1;
