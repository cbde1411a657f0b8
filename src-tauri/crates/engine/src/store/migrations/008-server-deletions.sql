-- What a person has asked the server to delete while it could not be reached; until the server has answered.
CREATE TABLE server_deletions (
    scope    TEXT NOT NULL,
    id       TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    refused  TEXT,              -- why the server has refused it: a JSON object
    PRIMARY KEY (scope, id)
) STRICT, WITHOUT ROWID;
