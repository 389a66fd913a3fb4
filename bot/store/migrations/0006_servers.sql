-- What a server's admins set, as `servers` writes it, and every change with who made it and when.
CREATE TABLE server_setting (
    server_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,       -- 0: for the whole server
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (server_id, channel_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE server_change (
    id INTEGER PRIMARY KEY,
    server_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT,                        -- null: cleared
    member_id INTEGER NOT NULL,        -- who changed it
    changed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX server_change_server ON server_change (server_id, id);
-- What was set where and when a request was admitted goes with it to its end.
ALTER TABLE exchange ADD COLUMN persona TEXT NOT NULL DEFAULT '';
ALTER TABLE exchange ADD COLUMN shows_cost INTEGER NOT NULL DEFAULT 1 CHECK (shows_cost IN (0, 1));
ALTER TABLE exchange ADD COLUMN pings INTEGER NOT NULL DEFAULT 1 CHECK (pings IN (0, 1));
