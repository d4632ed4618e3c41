-- The request that submitted a job, as a W3C trace context: `traceparent`, and `tracestate` behind a
-- space. NULL where none is known, and for jobs that a process of the version before has accepted.
ALTER TABLE jobs ADD COLUMN trace text;
