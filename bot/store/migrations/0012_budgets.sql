-- Limits that people set, every change of them, what corrections moved, and what was alerted.
CREATE TABLE budget (
    server_id INTEGER NOT NULL,        -- 0: a person's own, over all servers
    scope TEXT NOT NULL
        CHECK (scope IN ('server', 'role-pot', 'role-member', 'everyone', 'member', 'own')),
    subject_id INTEGER NOT NULL,       -- the role, the member, or 0
    span TEXT NOT NULL CHECK (span IN ('day', 'week', 'month', 'ever')),
    limit_nano_usd INTEGER NOT NULL CHECK (limit_nano_usd >= 0),
    PRIMARY KEY (server_id, scope, subject_id, span)
) STRICT, WITHOUT ROWID;

CREATE TABLE budget_change (
    id INTEGER PRIMARY KEY,
    server_id INTEGER NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('set', 'remove', 'grant')),
    scope TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    span TEXT,                         -- null: a grant, for all spans
    amount_nano_usd INTEGER,           -- null: removed
    actor_id INTEGER NOT NULL,         -- who did it
    reason TEXT NOT NULL DEFAULT '',
    changed_ms INTEGER NOT NULL,
    grant_id INTEGER UNIQUE,           -- the interaction that asked for a grant
    CHECK (action <> 'grant' OR (grant_id IS NOT NULL AND amount_nano_usd > 0))
) STRICT;
CREATE INDEX budget_change_server ON budget_change (server_id, id);
CREATE INDEX budget_change_grant ON budget_change (server_id, subject_id) WHERE action = 'grant';
CREATE TRIGGER budget_change_keeps BEFORE UPDATE ON budget_change BEGIN
    SELECT RAISE(ABORT, 'changes of budgets are append-only');
END;
CREATE TRIGGER budget_change_stays BEFORE DELETE ON budget_change BEGIN
    SELECT RAISE(ABORT, 'changes of budgets are append-only');
END;

CREATE TABLE adjustment (              -- who corrected the books, and why
    id INTEGER PRIMARY KEY,            -- the interaction that asked for it
    entry_id INTEGER NOT NULL UNIQUE REFERENCES entry (id),
    actor_id INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE TABLE adjustment_balance (      -- what it moved
    entry_id INTEGER NOT NULL REFERENCES entry (id),
    balance_id INTEGER NOT NULL REFERENCES balance (id),
    amount_nano_usd INTEGER NOT NULL,
    PRIMARY KEY (entry_id, balance_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert (                   -- a share of a budget that was reached, once a window
    server_id INTEGER NOT NULL,        -- 0: the total of all
    span TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    percent INTEGER NOT NULL,
    limit_nano_usd INTEGER NOT NULL,
    spent_nano_usd INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    told_ms INTEGER,                   -- null until it was
    PRIMARY KEY (server_id, span, start_ms, percent)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_untold ON alert (server_id) WHERE told_ms IS NULL;

ALTER TABLE exchange ADD COLUMN role_ids TEXT NOT NULL DEFAULT ''; -- each between two spaces
