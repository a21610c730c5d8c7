-- 视频: evidence that moves. `kind` is photo or video; `duration_ms` is how long a video lasts.
ALTER TABLE photos ADD COLUMN kind TEXT NOT NULL DEFAULT 'photo';
ALTER TABLE photos ADD COLUMN duration_ms BIGINT;
