-- What a moderator and a dashboard ask of uploads: by whom, how many, how like another.
ALTER TABLE uploads
  -- The platform's own id of whoever brought it in.
  ADD COLUMN uploader text,
  DROP CONSTRAINT uploads_nothing_left_check,
  ADD CONSTRAINT uploads_nothing_left_check
    CHECK (status <> 'erased' OR (sha256 = '' AND num_nonnulls(source, external_id, uploader, metadata, width, height, detail) = 0));
CREATE INDEX uploads_of_uploader ON uploads (tenant, uploader, id DESC) WHERE uploader IS NOT NULL;

-- Outcomes are counted from these, those of erased uploads too; the rows need not be read.
CREATE INDEX uploads_outcomes ON uploads (tenant, decided_at) INCLUDE (action, received_at) WHERE decided_at IS NOT NULL;
CREATE INDEX uploads_undecodable ON uploads (tenant, decided_at) WHERE reason_codes @> '{undecodable}';
DROP INDEX decisions_not_approved;
CREATE INDEX decisions_not_approved ON decisions (tenant, policy_id, decided_at DESC, upload_id DESC) INCLUDE (action)
  WHERE action <> 'approve';
CREATE INDEX decisions_of_policy ON decisions (tenant, policy_id, decided_at DESC, upload_id DESC);
CREATE INDEX policy_versions_of_policy ON policy_versions (policy_id, first_seen DESC);

ALTER TABLE embeddings
  -- The upload's. This and the next are null in what an older worker writes.
  ADD COLUMN tenant text,
  -- A bit for each number of the vector, 1 where it is below 0: the more of them differ, the wider is the angle between two vectors.
  ADD COLUMN sign bit varying;
UPDATE embeddings SET tenant = uploads.tenant, sign = (
  SELECT string_agg(get_bit(vector, 32 * n + 31)::text, '' ORDER BY n)::bit varying FROM generate_series(0, octet_length(vector) / 4 - 1) AS n
)
FROM uploads WHERE uploads.id = upload_id;
-- Of the views of an upload, the one that is the whole picture.
CREATE INDEX embeddings_signs ON embeddings (tenant, model_revision, upload_id DESC) INCLUDE (sign) WHERE view IN ('full', 'on-black');
