DROP INDEX summons_open;
DROP INDEX tickets_pool_of_community;
DROP INDEX tickets_pool_of_street;
DROP INDEX tickets_pool_of_district;
DROP INDEX tickets_of_community_by_category;
DROP INDEX tickets_of_street_by_category;
DROP INDEX tickets_of_district_by_category;
