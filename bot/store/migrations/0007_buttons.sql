-- What a button asked for: where a request came from, how far back it looks, whether it was
-- confirmed, and that an answer was deleted.
ALTER TABLE exchange ADD COLUMN source_id INTEGER;         -- the exchange whose button asked for it
ALTER TABLE exchange ADD COLUMN history_before_id INTEGER; -- only what was said before goes along
ALTER TABLE exchange ADD COLUMN confirmation TEXT
    CHECK (confirmation IN ('wanted', 'asked', 'given'));  -- of a dear one
ALTER TABLE exchange ADD COLUMN confirm_until_ms INTEGER;
ALTER TABLE exchange ADD COLUMN deleted_ms INTEGER;        -- its answer was, by a person

CREATE TABLE opening (             -- the pictures that a modal was opened for
    id INTEGER NOT NULL,           -- the interaction it was opened by
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    url TEXT,
    picture_id TEXT REFERENCES picture (id),
    source_id INTEGER,
    opened_ms INTEGER NOT NULL,
    PRIMARY KEY (id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX opening_age ON opening (opened_ms);
