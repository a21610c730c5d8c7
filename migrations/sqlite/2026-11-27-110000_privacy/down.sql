DROP TABLE audit_lines;
