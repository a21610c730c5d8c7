-- Lists that cost the same whatever the history: an index for each filter together with the order.
CREATE INDEX tickets_of_district_by_category ON tickets (district, category, id);
CREATE INDEX tickets_of_street_by_category ON tickets (street_id, category, id);
CREATE INDEX tickets_of_community_by_category ON tickets (community_id, category, id);
-- What waits, in the order of the pool. The condition stands in the code too, in the same words.
CREATE INDEX tickets_pool_of_district ON tickets (district, urgent DESC, id) WHERE state IN ('received', 'claimed');
CREATE INDEX tickets_pool_of_street ON tickets (street_id, urgent DESC, id) WHERE state IN ('received', 'claimed');
CREATE INDEX tickets_pool_of_community ON tickets (community_id, urgent DESC, id) WHERE state IN ('received', 'claimed');
CREATE INDEX summons_open ON summons (unit_id, meet_at, ticket_id) WHERE ended_at IS NULL;
