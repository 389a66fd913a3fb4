-- What of a conversation goes along with its requests, and how well that was counted before.
ALTER TABLE conversation ADD COLUMN goes_along_from INTEGER NOT NULL DEFAULT 0; -- an exchange's id
ALTER TABLE exchange ADD COLUMN shortened INTEGER NOT NULL DEFAULT 0 CHECK (shortened IN (0, 1));
ALTER TABLE reservation ADD COLUMN estimated_tokens INTEGER NOT NULL DEFAULT 0; -- of the prompt
ALTER TABLE exchange ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0  -- its person deleted it
    CHECK (forgotten IN (0, 1));

CREATE TABLE said (                -- the messages of a request that consists of several
    message_id INTEGER PRIMARY KEY,
    exchange_id INTEGER NOT NULL REFERENCES exchange (id),
    text TEXT NOT NULL
) STRICT;
CREATE INDEX said_exchange ON said (exchange_id, message_id);
