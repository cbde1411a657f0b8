-- One row: what holds for the account as a whole. Times are microseconds since 1970, UTC.
CREATE TABLE account (
    one              INTEGER PRIMARY KEY CHECK (one = 1),
    name             TEXT,                          -- whose inbox this is; set by the first open
    cursor           TEXT,                          -- of api.collect; covers rows of this database only
    complete_through INTEGER,                       -- nothing sent before this is missing
    last_live        INTEGER,
    announced        INTEGER NOT NULL DEFAULT 0,    -- notices up to here were handed out
    rejected         INTEGER NOT NULL DEFAULT 0,    -- how many ever; the table keeps the newest
    indexed_through  INTEGER NOT NULL DEFAULT 0,    -- notices up to here are in the search index
    notices          INTEGER NOT NULL DEFAULT 0,    -- how many there are: this and the next two by triggers
    unread           INTEGER NOT NULL DEFAULT 0,    -- how many of them are unread
    badge            INTEGER NOT NULL DEFAULT 0     -- how many of those are open
) STRICT;
INSERT INTO account (one) VALUES (1);

-- Popups on the screen, by the name the OS gave them.
CREATE TABLE popups (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- AUTOINCREMENT: an arrival number is never used twice, or a deleted notice could lend its place to another.
-- Small columns first, so that a scan does not walk through long bodies.
CREATE TABLE notices (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    scope       TEXT NOT NULL,
    id          TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    sent_at     INTEGER,
    read        INTEGER NOT NULL DEFAULT 0,
    state       TEXT NOT NULL,
    priority    TEXT NOT NULL,
    source      TEXT NOT NULL,
    version     INTEGER,
    undelivered INTEGER,
    alert       TEXT NOT NULL,      -- due, suppressed, claimed, shown, refused, uncertain
    alert_why   TEXT,               -- of suppressed and refused
    popup       INTEGER REFERENCES popups (id) ON DELETE SET NULL,
    kind        TEXT NOT NULL,
    sender      TEXT NOT NULL,
    title       TEXT NOT NULL,
    link        TEXT NOT NULL,
    destination TEXT NOT NULL,
    actions     TEXT NOT NULL,      -- JSON array
    body        TEXT NOT NULL,
    extra       TEXT NOT NULL,      -- JSON object
    UNIQUE (id, scope)              -- in this order, to find an id in whatever scope
) STRICT;
CREATE INDEX notices_unread    ON notices (seq) WHERE read = 0;
CREATE INDEX notices_due       ON notices (seq) WHERE alert = 'due';
CREATE INDEX notices_claimed   ON notices (seq) WHERE alert = 'claimed';
CREATE INDEX notices_uncertain ON notices (seq) WHERE alert = 'uncertain';
CREATE INDEX notices_settled   ON notices (state) WHERE state <> 'open';
CREATE INDEX notices_popup     ON notices (popup) WHERE popup IS NOT NULL;
CREATE INDEX notices_received  ON notices (received_at);

-- Counted as they change, whoever changes them: a badge must not cost a walk through the inbox.
CREATE TRIGGER notices_in AFTER INSERT ON notices BEGIN
    UPDATE account SET notices = notices + 1,
                       unread = unread + (NEW.read = 0),
                       badge = badge + (NEW.read = 0 AND NEW.state = 'open');
END;
CREATE TRIGGER notices_out AFTER DELETE ON notices BEGIN
    UPDATE account SET notices = notices - 1,
                       unread = unread - (OLD.read = 0),
                       badge = badge - (OLD.read = 0 AND OLD.state = 'open');
END;
CREATE TRIGGER notices_on AFTER UPDATE OF read, state ON notices BEGIN
    UPDATE account SET unread = unread + (NEW.read = 0) - (OLD.read = 0),
                       badge = badge + (NEW.read = 0 AND NEW.state = 'open')
                                     - (OLD.read = 0 AND OLD.state = 'open');
END;

-- Identity outlives the row: what was deleted or expired, as it stood then.
CREATE TABLE seen (
    scope   TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER,
    sent_at INTEGER,
    state   TEXT NOT NULL,
    PRIMARY KEY (scope, id)
) STRICT, WITHOUT ROWID;

-- "offset" is the last one stored of each stream.
CREATE TABLE streams (
    stream   TEXT PRIMARY KEY,
    "offset" INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages that cannot be used, the newest of them, for diagnosis.
CREATE TABLE rejected (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    reason      TEXT NOT NULL,
    destination TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    head        BLOB NOT NULL,
    body        BLOB NOT NULL
) STRICT;

-- The parts of the search index, each a table `search_N` over an equal range of arrival numbers (store/search.rs).
CREATE TABLE search_parts (
    part INTEGER PRIMARY KEY
) STRICT;
