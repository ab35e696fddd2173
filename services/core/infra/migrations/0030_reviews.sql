-- What a moderator does with what is not approved, reported or appealed: open -> claimed -> resolved, and back by an appeal, a report or an undo.
ALTER TABLE reviews RENAME COLUMN reason TO reason_code;
ALTER TABLE reviews
  -- Why it is open.
  ADD COLUMN origin text NOT NULL DEFAULT 'decision' CHECK (origin IN ('decision', 'report', 'appeal')),
  -- These two are the upload's (its source and reason codes), so that queues are read from the indexes below.
  ADD COLUMN source text,
  ADD COLUMN policies text[] NOT NULL DEFAULT '{}',
  -- A head start in hours.
  ADD COLUMN priority float8 NOT NULL DEFAULT 0,
  -- What the most urgent first is by: priority - hours from 1970 to opened_at. So all age alike, and no row changes when they do.
  ADD COLUMN urgency float8,
  ADD COLUMN claimed_name text,
  -- A claim whose lease has ended is none, whatever the state says.
  ADD COLUMN lease_until timestamptz,
  ADD COLUMN note text,
  ADD COLUMN resolved_name text,
  -- Until then the event of the resolution can be withdrawn.
  ADD COLUMN undo_until timestamptz,
  ADD COLUMN resolution_event uuid,
  -- Resolutions that an appeal or a report has put in question, oldest first: [{action, reason_code, note, by: {id, name}, at}].
  ADD COLUMN earlier jsonb NOT NULL DEFAULT '[]',
  ADD COLUMN reports integer NOT NULL DEFAULT 0,
  ADD COLUMN appealed_at timestamptz,
  ADD COLUMN appeal_reason text;

UPDATE reviews SET source = uploads.source, policies = uploads.reason_codes,
  urgency = - extract(epoch FROM reviews.opened_at)::float8 / 3600
FROM uploads WHERE uploads.id = upload_id;

ALTER TABLE reviews
  ALTER COLUMN urgency SET NOT NULL,
  -- claimed_at of one that is resolved tells since when who resolved it had it.
  ADD CONSTRAINT reviews_claimed_check CHECK ((state = 'claimed') = (lease_until IS NOT NULL)),
  ADD CONSTRAINT reviews_resolved_check CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
  ADD CONSTRAINT reviews_resolution_check CHECK (resolution IN ('approve', 'reject'));

-- An upload has one review, which is opened again.
DROP INDEX reviews_unresolved, reviews_upload, reviews_by_state;
CREATE UNIQUE INDEX reviews_upload ON reviews (upload_id);
CREATE INDEX reviews_by_urgency ON reviews (tenant, urgency, id) WHERE state <> 'resolved';
CREATE INDEX reviews_by_age ON reviews (tenant, opened_at, id) WHERE state <> 'resolved';
CREATE INDEX reviews_of_policies ON reviews USING gin (policies) WHERE state <> 'resolved';
CREATE INDEX reviews_of_source ON reviews (tenant, source, urgency, id) WHERE state <> 'resolved';
CREATE INDEX reviews_claimed ON reviews (lease_until) WHERE state = 'claimed';
CREATE INDEX reviews_resolved ON reviews (tenant, resolved_at, id) WHERE state = 'resolved';

-- Of people who think that an upload should not be there.
CREATE TABLE reports (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  upload_id uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
  tenant text NOT NULL,
  reason text,
  reporter text,
  created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now())
);
-- Whoever reports it twice counts once.
CREATE UNIQUE INDEX reports_once ON reports (upload_id, reporter);

-- What a moderator does not want to be handed for a while.
CREATE TABLE review_skips (
  review_id uuid NOT NULL REFERENCES reviews ON DELETE CASCADE,
  actor_id text NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (review_id, actor_id)
);
CREATE INDEX review_skips_until ON review_skips (until);

-- Filters with a name.
CREATE TABLE review_queues (
  tenant text NOT NULL,
  name text NOT NULL,
  policy text,
  source text,
  origin text CHECK (origin IN ('decision', 'report', 'appeal')),
  PRIMARY KEY (tenant, name)
);

-- Nothing is sent before, whoever asks for it.
ALTER TABLE deliveries ADD COLUMN not_before timestamptz;
