-- Answers that only the one who asked sees, and those that could not reach them and wait.
ALTER TABLE exchange ADD COLUMN private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));
ALTER TABLE exchange ADD COLUMN waits INTEGER NOT NULL DEFAULT 0 CHECK (waits IN (0, 1));
-- What a person asked, newest first.
CREATE INDEX exchange_member ON exchange (member_id, id);
CREATE INDEX exchange_waits ON exchange (member_id, id) WHERE waits = 1;
