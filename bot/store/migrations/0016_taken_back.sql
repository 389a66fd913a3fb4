-- Which message of several a file came with, and whether people took it back: it goes along no more.
ALTER TABLE meant ADD COLUMN said_id INTEGER;     -- null: the message that the request began with
ALTER TABLE meant ADD COLUMN taken_back INTEGER NOT NULL DEFAULT 0 CHECK (taken_back IN (0, 1));
ALTER TABLE document ADD COLUMN said_id INTEGER;
ALTER TABLE document ADD COLUMN taken_back INTEGER NOT NULL DEFAULT 0 CHECK (taken_back IN (0, 1));
