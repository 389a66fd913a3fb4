-- Whether the pictures of its answer are shown as spoilers.
ALTER TABLE exchange ADD COLUMN spoiler INTEGER NOT NULL DEFAULT 0 CHECK (spoiler IN (0, 1));
