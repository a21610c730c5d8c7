-- Whether another picture is near, so that whoever hands a photo in need not look for one where there is none. NULL: it
-- has not been looked at yet. Those from before may have near ones.
ALTER TABLE photo_hashes ADD COLUMN has_near BOOLEAN DEFAULT TRUE;
ALTER TABLE photo_hashes ALTER COLUMN has_near DROP DEFAULT;
CREATE INDEX photo_hashes_unlooked ON photo_hashes (photo_id) WHERE hash IS NOT NULL AND has_near IS NULL;
