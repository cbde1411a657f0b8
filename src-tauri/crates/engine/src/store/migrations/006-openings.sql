-- Who brought what a notice says: NULL for a personal source, else the destination of the subscription. What was stored
-- before counts as personal: others can settle it at most.
ALTER TABLE notices ADD COLUMN origin TEXT;
ALTER TABLE trash   ADD COLUMN origin TEXT;
ALTER TABLE seen    ADD COLUMN origin TEXT;

-- Which live message of this run settled it, if a shared source may change nothing else of it; 0: one of an earlier run.
ALTER TABLE notices ADD COLUMN settled_by INTEGER;
ALTER TABLE trash   ADD COLUMN settled_by INTEGER;
ALTER TABLE seen    ADD COLUMN settled_by INTEGER;
CREATE INDEX notices_settled_by ON notices (seq) WHERE settled_by > 0;
CREATE INDEX seen_settled_by    ON seen (scope, id) WHERE settled_by > 0;

-- How often a deleted notice was opened, and what it said if a shared source brought it.
ALTER TABLE seen ADD COLUMN opening      INTEGER NOT NULL DEFAULT 1;
ALTER TABLE seen ADD COLUMN content_hash TEXT;
