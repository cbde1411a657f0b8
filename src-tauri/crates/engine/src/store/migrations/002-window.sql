-- What a window filters and counts by, undo, and places below the first arrival.
ALTER TABLE account ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;   -- open, and with at least one action: by triggers
ALTER TABLE account ADD COLUMN oldest  INTEGER NOT NULL DEFAULT 1;   -- the lowest place ever given to a notice

-- How many notices there are of each kind: by triggers.
CREATE TABLE kinds (
    kind    TEXT PRIMARY KEY,
    notices INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO kinds SELECT kind, count(*) FROM notices GROUP BY kind;
UPDATE account SET waiting = (SELECT count(*) FROM notices WHERE state = 'open' AND actions <> '[]');

-- With the columns the other conditions ask for, so that counting never walks through the notices themselves.
CREATE INDEX notices_kind    ON notices (kind, seq, read);
CREATE INDEX notices_waiting ON notices (seq, kind, read) WHERE state = 'open' AND actions <> '[]';

DROP TRIGGER notices_in;
DROP TRIGGER notices_out;
DROP TRIGGER notices_on;
CREATE TRIGGER notices_in AFTER INSERT ON notices BEGIN
    UPDATE account SET notices = notices + 1,
                       unread = unread + (NEW.read = 0),
                       badge = badge + (NEW.read = 0 AND NEW.state = 'open'),
                       waiting = waiting + (NEW.state = 'open' AND NEW.actions <> '[]');
    INSERT INTO kinds VALUES (NEW.kind, 1) ON CONFLICT (kind) DO UPDATE SET notices = notices + 1;
END;
CREATE TRIGGER notices_out AFTER DELETE ON notices BEGIN
    UPDATE account SET notices = notices - 1,
                       unread = unread - (OLD.read = 0),
                       badge = badge - (OLD.read = 0 AND OLD.state = 'open'),
                       waiting = waiting - (OLD.state = 'open' AND OLD.actions <> '[]');
    UPDATE kinds SET notices = notices - 1 WHERE kind = OLD.kind;
    DELETE FROM kinds WHERE kind = OLD.kind AND notices = 0;
END;
CREATE TRIGGER notices_on AFTER UPDATE OF read, state, actions ON notices BEGIN
    UPDATE account SET unread = unread + (NEW.read = 0) - (OLD.read = 0),
                       badge = badge + (NEW.read = 0 AND NEW.state = 'open')
                                     - (OLD.read = 0 AND OLD.state = 'open'),
                       waiting = waiting + (NEW.state = 'open' AND NEW.actions <> '[]')
                                         - (OLD.state = 'open' AND OLD.actions <> '[]');
END;
CREATE TRIGGER notices_of AFTER UPDATE OF kind ON notices WHEN NEW.kind <> OLD.kind BEGIN
    INSERT INTO kinds VALUES (NEW.kind, 1) ON CONFLICT (kind) DO UPDATE SET notices = notices + 1;
    UPDATE kinds SET notices = notices - 1 WHERE kind = OLD.kind;
    DELETE FROM kinds WHERE kind = OLD.kind AND notices = 0;
END;

-- Notices a person deleted a moment ago, as they were; their identities are in `seen` already. The writer empties it.
CREATE TABLE trash (
    removal     INTEGER NOT NULL,   -- when, which names what was deleted at once
    seq         INTEGER PRIMARY KEY,
    scope       TEXT NOT NULL,
    id          TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    sent_at     INTEGER,
    read        INTEGER NOT NULL,
    state       TEXT NOT NULL,
    priority    TEXT NOT NULL,
    source      TEXT NOT NULL,
    version     INTEGER,
    undelivered INTEGER,
    alert       TEXT NOT NULL,
    alert_why   TEXT,
    kind        TEXT NOT NULL,
    sender      TEXT NOT NULL,
    title       TEXT NOT NULL,
    link        TEXT NOT NULL,
    destination TEXT NOT NULL,
    actions     TEXT NOT NULL,
    body        TEXT NOT NULL,
    extra       TEXT NOT NULL,
    UNIQUE (id, scope)
) STRICT;
CREATE INDEX trash_removal ON trash (removal);
