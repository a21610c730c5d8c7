ALTER TABLE supervision_orders DROP COLUMN updated_at;
DROP INDEX photos_of_sha256;
DROP TABLE orphans;
