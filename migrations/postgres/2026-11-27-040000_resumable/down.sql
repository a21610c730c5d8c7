DROP TABLE resumable_parts;
DROP TABLE resumable_uploads;
