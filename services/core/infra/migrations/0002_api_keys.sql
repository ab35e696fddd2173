CREATE TABLE api_keys (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  name text NOT NULL,
  -- SHA-256 of the secret, which is random: it needs no salt.
  key_hash bytea NOT NULL UNIQUE,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  last_used_at timestamptz
);
