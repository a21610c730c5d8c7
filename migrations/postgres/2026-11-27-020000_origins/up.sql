-- By which request a job was left, as in the log: whoever looks for why a photo has no rendition finds the upload.
ALTER TABLE jobs ADD COLUMN request_id TEXT;
