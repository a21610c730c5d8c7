UPDATE evidence SET compared_at = NULL WHERE EXISTS (SELECT 1 FROM evidence_waiting waiting
    WHERE waiting.ticket_id = evidence.ticket_id AND waiting.photo_id = evidence.photo_id AND waiting.stage = evidence.stage);
DROP TABLE evidence_waiting;
