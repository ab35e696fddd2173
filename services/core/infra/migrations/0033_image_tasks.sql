-- What moderators are shown of an image and the api may not make of it itself: it decodes nothing. Workers do, on request.
CREATE TABLE image_tasks (
  upload_id uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('blurred', 'display', 'explanation')),
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
  asked_at timestamptz NOT NULL DEFAULT now(),
  -- Counted when one begins, so that what takes its worker down is counted too.
  attempts integer NOT NULL DEFAULT 0,
  -- A worker's claim, until it is renewed, ended or this time has passed.
  lease uuid,
  leased_until timestamptz,
  ended_at timestamptz,
  mime text,
  result bytea,
  -- A stable code, and what to tell.
  problem text,
  detail text,
  -- Of an explanation: what it was made by. Others are made anew under another model or other policies.
  model_revision text,
  policy_versions text,
  PRIMARY KEY (upload_id, kind),
  CHECK ((state = 'done') = (result IS NOT NULL AND mime IS NOT NULL)),
  CHECK ((state = 'failed') = (problem IS NOT NULL)),
  CHECK ((state = 'waiting') = (ended_at IS NULL))
);
-- Pictures are compressed already.
ALTER TABLE image_tasks ALTER COLUMN result SET STORAGE EXTERNAL;
CREATE INDEX image_tasks_waiting ON image_tasks (asked_at) WHERE state = 'waiting';
CREATE INDEX image_tasks_done ON image_tasks (ended_at) WHERE state = 'done';
