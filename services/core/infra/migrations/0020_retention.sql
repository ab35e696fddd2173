-- What an erased upload leaves is a row that says so, with the outcome that statistics count: no bytes, hash, name, text or score.
ALTER TABLE uploads
  ADD COLUMN erased_at timestamptz,
  -- False: only the decision is kept, whatever it is.
  ADD COLUMN keep_image boolean NOT NULL DEFAULT true,
  DROP CONSTRAINT uploads_status_check,
  DROP CONSTRAINT uploads_check,
  ADD CONSTRAINT uploads_status_check CHECK (status IN ('pending', 'decided', 'failed', 'erased')),
  ADD CONSTRAINT uploads_outcome_check
    CHECK (status = 'erased' OR (status = 'decided') = (action IS NOT NULL AND decided_at IS NOT NULL)),
  ADD CONSTRAINT uploads_erased_check CHECK ((status = 'erased') = (erased_at IS NOT NULL)),
  ADD CONSTRAINT uploads_nothing_left_check
    CHECK (status <> 'erased' OR (sha256 = '' AND num_nonnulls(source, external_id, metadata, width, height, detail) = 0));

DROP INDEX uploads_to_erase;
-- Bytes that nobody needs any more.
CREATE INDEX uploads_with_needless_image ON uploads (decided_at)
  WHERE blob_key IS NOT NULL AND (status = 'erased' OR status = 'decided' AND (action = 'approve' OR NOT keep_image));
-- Bytes that are kept for a while.
CREATE INDEX uploads_with_kept_image ON uploads (decided_at)
  WHERE blob_key IS NOT NULL AND status = 'decided' AND action <> 'approve' AND keep_image;

CREATE INDEX reviews_upload ON reviews (upload_id);
CREATE INDEX events_upload ON events (upload_id);
