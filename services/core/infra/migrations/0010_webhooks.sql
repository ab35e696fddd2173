CREATE TABLE webhook_endpoints (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  url text NOT NULL,
  description text,
  -- None: every type.
  event_types text[] NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'disabled')),
  disabled_reason text CHECK (disabled_reason IN ('request', 'gone')),
  disabled_at timestamptz,
  -- Failed attempts since the last that succeeded.
  failures integer NOT NULL DEFAULT 0,
  -- Nothing is sent before.
  paused_until timestamptz,
  created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now()),
  CHECK ((state = 'disabled') = (disabled_reason IS NOT NULL AND disabled_at IS NOT NULL))
) WITH (fillfactor = 50);
CREATE INDEX webhook_endpoints_tenant ON webhook_endpoints (tenant, id);

CREATE TABLE webhook_secrets (
  -- The newest is the highest.
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  endpoint_id uuid NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
  -- Sealed when there is a key for that; its first byte says so.
  secret bytea NOT NULL,
  -- Null for the current one.
  expires_at timestamptz
);
CREATE INDEX webhook_secrets_endpoint ON webhook_secrets (endpoint_id);

-- An event of type webhook.test is about no upload.
ALTER TABLE events ALTER COLUMN upload_id DROP NOT NULL;

CREATE TABLE deliveries (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant text NOT NULL,
  event_id uuid NOT NULL REFERENCES events ON DELETE CASCADE,
  endpoint_id uuid NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  -- Since `asked_at`: when it was created, or a person asked for it again.
  attempts integer NOT NULL DEFAULT 0,
  asked_at timestamptz NOT NULL DEFAULT now(),
  next_at timestamptz NOT NULL DEFAULT now(),
  -- A dispatcher's claim, until it reports or this time has passed. In no index, so that taking one is cheap.
  lease uuid,
  leased_until timestamptz,
  last_at timestamptz,
  last_status integer,
  last_error text,
  last_duration_ms integer,
  -- The latest attempts, oldest first: [{at, status, error, duration_ms, response}].
  history jsonb NOT NULL DEFAULT '[]'
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX deliveries_once ON deliveries (event_id, endpoint_id);
-- Ids of events are sortable by time.
CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint_id, event_id);
CREATE INDEX deliveries_pending ON deliveries (endpoint_id, next_at) WHERE state = 'pending';
CREATE INDEX deliveries_dead ON deliveries (tenant, event_id, id) WHERE state = 'dead';
