DROP INDEX photos_by_digest;
CREATE INDEX photos_by_digest ON photos (sha256);
CREATE INDEX photos_of_sha256 ON photos (sha256);
CREATE INDEX photos_of_bytes ON photos (sha256);
DROP INDEX evidence_of_photo;
CREATE INDEX evidence_of_photo ON evidence (photo_id);
