-- A notice of which only word about it has come, so far: what that word left open is filled in by an older copy.
ALTER TABLE notices ADD COLUMN partial INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trash   ADD COLUMN partial INTEGER NOT NULL DEFAULT 0;

ALTER TABLE account ADD COLUMN unsaid   INTEGER;                      -- notices from here on were never announced
ALTER TABLE account ADD COLUMN sign_ins INTEGER NOT NULL DEFAULT 0;   -- how often the token was changed by another program
