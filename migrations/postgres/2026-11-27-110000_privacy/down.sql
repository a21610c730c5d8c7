DROP TABLE audit_lines;
DROP FUNCTION refuse_audit_change();
