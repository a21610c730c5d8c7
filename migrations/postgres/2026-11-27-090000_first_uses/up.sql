-- The first and the last uses of a photo are read without the others, and the first photos with some bytes. Of three
-- indexes over the same bytes one stays.
DROP INDEX evidence_of_photo;
CREATE INDEX evidence_of_photo ON evidence (photo_id, created_at, ticket_id);
DROP INDEX photos_of_bytes;
DROP INDEX photos_of_sha256;
DROP INDEX photos_by_digest;
CREATE INDEX photos_by_digest ON photos (sha256, id);
