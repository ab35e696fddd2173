-- Events in an order that can be read to its end and on from there: by the transaction that wrote them, and within it as they were written.
-- Below the oldest transaction that is under way nothing is added any more; a number alone would be given early and seen late.
ALTER TABLE events
  ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  ADD COLUMN seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY;
CREATE INDEX events_feed ON events (tenant, xid, seq);

CREATE FUNCTION announce_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('pixwarden_feed', '');
  RETURN NULL;
END
$$;
CREATE TRIGGER events_are_announced AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION announce_events();

-- Nobody reads events in this order.
DROP INDEX events_created;
-- Those that do not stay for as long as their upload does.
CREATE INDEX events_passing ON events (created_at) WHERE type NOT IN ('upload.decided', 'review.opened', 'review.resolved');

-- Up to here events may have been deleted.
CREATE TABLE feed_horizon (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  xid xid8 NOT NULL
);
INSERT INTO feed_horizon (xid) VALUES ('0');
