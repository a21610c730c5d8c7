-- Two roles on PostgreSQL: the owner of the schema, who migrates, and suishoupai_server, as which the servers work. The
-- latter cannot alter or delete what has been written into the histories and the audit trail, whatever becomes of the
-- server. Run it as the owner after every `suishoupai migrate`; it may be run again:
--
--   psql postgres://OWNER@HOST/suishoupai -f postgres-roles.sql
--   psql postgres://OWNER@HOST/suishoupai -c "ALTER ROLE suishoupai_server LOGIN PASSWORD '…'"
--
-- and give the servers data.migrate_at_start = false and a data.database_url with suishoupai_server. The commands
-- migrate, restore, migrate-engine and simulate need the owner.
DO $$
BEGIN
    CREATE ROLE suishoupai_server NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END;
$$;
GRANT USAGE ON SCHEMA public TO suishoupai_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO suishoupai_server;
REVOKE INSERT, UPDATE, DELETE ON __diesel_schema_migrations FROM suishoupai_server;
REVOKE UPDATE, DELETE ON events, supervision_events, mask_events, exposure_events, audit_lines FROM suishoupai_server;
-- What is private of a line of the trail is let go after its term; a trigger refuses every other value.
GRANT UPDATE (private) ON audit_lines TO suishoupai_server;
-- So is the text of a line whose ticket is anonymised; the audit trail has the digest of what stands there then.
GRANT UPDATE (content) ON events TO suishoupai_server;
