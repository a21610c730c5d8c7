DROP TABLE exposure_events;
DROP TABLE exposures;
DROP TABLE mask_events;
DROP INDEX photos_with_mask;
DROP INDEX photos_by_rendition;
DROP INDEX photos_by_digest;
ALTER TABLE photos DROP COLUMN rendition;
ALTER TABLE photos DROP COLUMN mask_hash;
ALTER TABLE photos DROP COLUMN mask_version;
