-- The blob store that the processes of this database share carries this mark. Until it is
-- confirmed, the one that holds it is writing it.

CREATE TABLE blob_store (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    mark      uuid NOT NULL,
    writer    uuid NOT NULL,
    until     bigint NOT NULL,
    confirmed boolean NOT NULL DEFAULT false
);
