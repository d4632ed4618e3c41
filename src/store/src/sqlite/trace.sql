-- The request that submitted a job, as a W3C trace context: `traceparent`, and `tracestate` behind a
-- space. NULL where none is known.
ALTER TABLE jobs ADD COLUMN trace TEXT;
