-- How often the matter was opened: a settled notice that is reopened begins the next opening.
ALTER TABLE notices ADD COLUMN opening INTEGER NOT NULL DEFAULT 1;
ALTER TABLE trash   ADD COLUMN opening INTEGER NOT NULL DEFAULT 1;
-- What came of the last button that was pressed in this opening: a JSON object.
ALTER TABLE notices ADD COLUMN action_result TEXT;
ALTER TABLE trash   ADD COLUMN action_result TEXT;
