-- Who changed what. The hash of a row is over the row and the hash before it: an edit, a removal or a swap breaks the chain from there on.
CREATE TABLE audit_log (
  -- Without gaps.
  seq bigint PRIMARY KEY CHECK (seq > 0),
  at timestamptz NOT NULL,
  tenant text NOT NULL,
  actor_kind text NOT NULL CHECK (actor_kind IN ('key', 'person', 'cli', 'system')),
  actor_id text NOT NULL,
  actor_name text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  -- json keeps its text as it was written, which is what the hash is over.
  details json NOT NULL,
  -- SHA-256, in hexadecimal digits.
  prev_hash text NOT NULL,
  hash text NOT NULL
);
CREATE INDEX audit_log_tenant ON audit_log (tenant, seq DESC);

-- The end of the chain. Whoever appends holds its row, so that there is one chain, however many write.
CREATE TABLE audit_head (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  seq bigint NOT NULL,
  hash text NOT NULL
);
INSERT INTO audit_head (seq, hash) VALUES (0, repeat('0', 64));

-- Keeps mistakes out. Whoever owns the database can lift it: what proves something is the chain.
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only ever added to';
END
$$;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
