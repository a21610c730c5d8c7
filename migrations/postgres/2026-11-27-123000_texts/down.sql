DELETE FROM jobs WHERE kind = 'index_texts';
DROP TABLE ticket_texts;
