DROP TABLE lockouts;
DROP TABLE recovery_codes;
DROP TABLE credentials;
DROP TABLE refresh_tokens;
DROP TABLE sessions;
