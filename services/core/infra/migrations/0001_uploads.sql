CREATE TABLE uploads (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  source text,
  external_id text,
  metadata jsonb,
  sha256 text NOT NULL,
  mime text NOT NULL,
  width integer,
  height integer,
  byte_size bigint NOT NULL,
  -- Null once the bytes are deleted.
  blob_key text,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'decided', 'failed')),
  attempts integer NOT NULL DEFAULT 0,
  action text CHECK (action IN ('approve', 'flag', 'reject')),
  reason_codes text[] NOT NULL DEFAULT '{}',
  detail text,
  model_id text,
  model_revision text,
  -- json keeps its text as it was written, jsonb does not: what is shown later equals the event, byte for byte.
  timings json,
  -- Whole milliseconds, so that what callers are shown is what is compared.
  received_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now()),
  decided_at timestamptz,
  CHECK ((status = 'decided') = (action IS NOT NULL AND decided_at IS NOT NULL))
) WITH (fillfactor = 85);

CREATE INDEX uploads_pending ON uploads (received_at, id) WHERE status = 'pending';
CREATE INDEX uploads_decided ON uploads (tenant, decided_at DESC, id DESC) WHERE status = 'decided';
CREATE INDEX uploads_not_approved ON uploads (tenant, action, decided_at DESC, id DESC)
  WHERE status = 'decided' AND action <> 'approve';
CREATE INDEX uploads_to_erase ON uploads (decided_at) WHERE action = 'approve' AND blob_key IS NOT NULL;

CREATE TABLE idempotency_keys (
  tenant text NOT NULL,
  key text NOT NULL,
  -- Null while the request that holds the key has not ended.
  upload_id uuid REFERENCES uploads ON DELETE CASCADE,
  request_hash text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, key),
  CHECK ((upload_id IS NULL) = (request_hash IS NULL))
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_upload ON idempotency_keys (upload_id);

CREATE TABLE policy_versions (
  -- SHA-256 of the canonical policy.
  version text PRIMARY KEY,
  policy_id text NOT NULL,
  -- json keeps the text that the version is the hash of.
  body json NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE decisions (
  upload_id uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
  policy_id text NOT NULL,
  -- These two are the upload's, so that what a policy found is read in order from one index.
  tenant text NOT NULL,
  decided_at timestamptz NOT NULL,
  version text NOT NULL,
  model_id text,
  mode text NOT NULL CHECK (mode IN ('enforce', 'shadow')),
  action text NOT NULL CHECK (action IN ('approve', 'flag', 'reject')),
  rules json NOT NULL,
  PRIMARY KEY (upload_id, policy_id)
);
CREATE INDEX decisions_not_approved ON decisions (tenant, policy_id, decided_at DESC, upload_id DESC) WHERE action <> 'approve';

CREATE TABLE embeddings (
  upload_id uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
  model_id text NOT NULL,
  model_revision text NOT NULL,
  view text NOT NULL,
  -- A unit vector, 32-bit floats, little-endian.
  vector bytea NOT NULL,
  PRIMARY KEY (upload_id, model_revision, view)
);

CREATE TABLE reviews (
  id uuid PRIMARY KEY,
  upload_id uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
  tenant text NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'claimed', 'resolved')),
  opened_at timestamptz NOT NULL,
  claimed_by text,
  claimed_at timestamptz,
  resolution text,
  reason text,
  resolved_by text,
  resolved_at timestamptz
);
CREATE UNIQUE INDEX reviews_unresolved ON reviews (upload_id) WHERE state <> 'resolved';
CREATE INDEX reviews_by_state ON reviews (tenant, state, opened_at, id);

CREATE TABLE events (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  type text NOT NULL,
  upload_id uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
  -- The payload as webhooks carry it: its text, which signatures are made over, never changes.
  body text NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX events_decided_once ON events (upload_id) WHERE type = 'upload.decided';
CREATE INDEX events_created ON events (created_at, id);
