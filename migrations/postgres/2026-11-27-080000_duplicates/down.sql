DELETE FROM jobs WHERE kind = 'hash_photos';
DROP INDEX tickets_near;
DROP TABLE followers;
DROP TABLE evidence_seen_before;
DROP INDEX evidence_uncompared;
ALTER TABLE evidence DROP COLUMN compared_at;
DROP INDEX photos_of_bytes;
DROP TABLE photo_hashes;
