-- People who are signed in, each by a key, in a browser.
CREATE TABLE sessions (
  -- SHA-256 of the token in the cookie, which is random: it needs no salt.
  token_hash bytea PRIMARY KEY,
  key_id uuid NOT NULL REFERENCES api_keys ON DELETE CASCADE,
  -- The person's.
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- To the minute.
  seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 70);

-- Each signs a person in once; then its row goes.
CREATE TABLE sign_in_links (
  -- SHA-256 of the link's token.
  token_hash bytea PRIMARY KEY,
  key_id uuid NOT NULL REFERENCES api_keys ON DELETE CASCADE,
  -- The person's.
  name text NOT NULL,
  expires_at timestamptz NOT NULL
);
