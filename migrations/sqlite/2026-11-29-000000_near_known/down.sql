DROP INDEX photo_hashes_unlooked;
ALTER TABLE photo_hashes DROP COLUMN has_near;
