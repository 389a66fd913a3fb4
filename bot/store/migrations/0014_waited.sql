-- How long a request waited for a click, which is no part of how long its answer took.
ALTER TABLE exchange ADD COLUMN waited_ms INTEGER NOT NULL DEFAULT 0;
