-- Ids are Discord's snowflakes unless said otherwise; times are milliseconds since 1970 UTC;
-- money is nano-dollars; server_id 0 means direct messages; days are yyyymmdd.

CREATE TABLE conversation (
    id INTEGER PRIMARY KEY,            -- the thread, the DM channel, or the chain's first message
    place TEXT NOT NULL CHECK (place IN ('thread', 'direct', 'chain')),
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE exchange (
    id INTEGER PRIMARY KEY,            -- the message or interaction that started it
    conversation_id INTEGER NOT NULL REFERENCES conversation (id),
    step TEXT NOT NULL CHECK (step IN ('wait', 'hold', 'call', 'settle', 'answer', 'done')),
    command TEXT NOT NULL,             -- message, imagine, edit
    server_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,       -- where it was asked
    member_id INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    may_paint INTEGER NOT NULL CHECK (may_paint IN (0, 1)),
    shape TEXT,
    size TEXT,
    upload_bytes_max INTEGER NOT NULL, -- of one file, where the answer goes
    opens_thread INTEGER NOT NULL CHECK (opens_thread IN (0, 1)),
    answer_channel_id INTEGER NOT NULL,
    interaction_token TEXT,            -- good for 15 minutes; forgotten when the exchange ends
    call_number INTEGER NOT NULL DEFAULT 0,
    edits INTEGER NOT NULL DEFAULT 0 CHECK (edits IN (0, 1)), -- a picture was meant
    word TEXT,                         -- of a notice; null for a result
    sentence TEXT,
    created_ms INTEGER NOT NULL,
    ended_ms INTEGER                   -- when the work ended; the answer may reach Discord later
) STRICT;
CREATE INDEX exchange_open ON exchange (id) WHERE step <> 'done';
CREATE INDEX exchange_conversation ON exchange (conversation_id, id);

CREATE TABLE picture (
    id TEXT PRIMARY KEY,               -- SHA-256 of its bytes, in hex
    media_type TEXT NOT NULL,
    width INTEGER NOT NULL CHECK (width > 0),
    height INTEGER NOT NULL CHECK (height > 0),
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    source TEXT NOT NULL CHECK (source IN ('member', 'model')),
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE meant (                   -- the pictures a request is about, in order
    exchange_id INTEGER NOT NULL REFERENCES exchange (id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    url TEXT,                          -- until it is on the shelf
    picture_id TEXT REFERENCES picture (id),
    PRIMARY KEY (exchange_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE piece (                   -- what the model answered, in its order
    exchange_id INTEGER NOT NULL REFERENCES exchange (id),
    position INTEGER NOT NULL,
    text TEXT,
    picture_id TEXT REFERENCES picture (id),
    part INTEGER,                      -- the message of the answer that shows it
    PRIMARY KEY (exchange_id, position),
    CHECK ((text IS NULL) <> (picture_id IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE message (                 -- the messages of ours that show an exchange
    id INTEGER PRIMARY KEY,
    exchange_id INTEGER NOT NULL REFERENCES exchange (id),
    part INTEGER NOT NULL,             -- 0 is the answer message; -1 the ping
    channel_id INTEGER NOT NULL,
    UNIQUE (exchange_id, part)
) STRICT;

CREATE TABLE synced (                  -- slash commands as Discord knows them
    scope TEXT PRIMARY KEY,
    payload_sha256 TEXT NOT NULL
) STRICT;

CREATE TABLE balance (                 -- of one budget in one window; what is not there yet is 0
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,               -- member, server, total
    span TEXT NOT NULL,                -- day, month
    server_id INTEGER NOT NULL,        -- 0: over all servers
    subject_id INTEGER NOT NULL,       -- the member, or 0
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL CHECK (end_ms > start_ms),
    spent_nano_usd INTEGER NOT NULL DEFAULT 0,
    held_nano_usd INTEGER NOT NULL DEFAULT 0 CHECK (held_nano_usd >= 0),
    UNIQUE (scope, span, server_id, subject_id, start_ms)
) STRICT;

CREATE TABLE reservation (             -- money held for a call
    exchange_id INTEGER NOT NULL,
    call_number INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('held', 'sent', 'unresolved', 'settled', 'voided')),
    server_id INTEGER NOT NULL,
    member_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    model TEXT NOT NULL,
    max_tokens INTEGER NOT NULL CHECK (max_tokens > 0),
    hold_nano_usd INTEGER NOT NULL CHECK (hold_nano_usd >= 0),
    day INTEGER NOT NULL,              -- of the windows it is held in, and of its entry
    generation_id TEXT,
    reported_nano_usd INTEGER,         -- usage.cost, noted before it is settled
    prompt_tokens INTEGER NOT NULL DEFAULT 0, -- and the rest of usage
    cached_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    image_tokens INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    call_ended_ms INTEGER,
    closed_ms INTEGER,
    PRIMARY KEY (exchange_id, call_number),
    CHECK ((closed_ms IS NOT NULL) = (state IN ('settled', 'voided')))
) STRICT, WITHOUT ROWID;
CREATE INDEX reservation_open ON reservation (exchange_id, call_number) WHERE closed_ms IS NULL;

CREATE TABLE reservation_balance (     -- the balances a hold rests on, frozen when it is made
    exchange_id INTEGER NOT NULL,
    call_number INTEGER NOT NULL,
    balance_id INTEGER NOT NULL REFERENCES balance (id),
    PRIMARY KEY (exchange_id, call_number, balance_id),
    FOREIGN KEY (exchange_id, call_number) REFERENCES reservation (exchange_id, call_number)
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (                   -- the books: what was charged, or that nothing was
    id INTEGER PRIMARY KEY,
    exchange_id INTEGER NOT NULL,
    call_number INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    day INTEGER NOT NULL,
    server_id INTEGER NOT NULL,
    member_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    model TEXT NOT NULL,
    kind TEXT NOT NULL,                -- picture, edit, text, describe, blend, draft, adjustment
    basis TEXT NOT NULL CHECK (basis IN ('usage', 'generation', 'estimate', 'adjustment', 'void')),
    cost_nano_usd INTEGER NOT NULL,
    over_nano_usd INTEGER NOT NULL DEFAULT 0 CHECK (over_nano_usd >= 0),
    generation_id TEXT,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    image_tokens INTEGER NOT NULL DEFAULT 0,
    CHECK (cost_nano_usd >= 0 OR basis = 'adjustment'),
    CHECK (cost_nano_usd = 0 OR basis <> 'void')
) STRICT;
CREATE UNIQUE INDEX entry_closes_once ON entry (exchange_id, call_number) WHERE basis <> 'adjustment';
CREATE INDEX entry_report ON entry
    (server_id, day, member_id, channel_id, model, kind, basis, exchange_id, cost_nano_usd);
CREATE INDEX entry_member ON entry
    (member_id, day, server_id, kind, basis, exchange_id, cost_nano_usd);
CREATE TRIGGER entry_keeps BEFORE UPDATE ON entry BEGIN
    SELECT RAISE(ABORT, 'entries are append-only');
END;
CREATE TRIGGER entry_stays BEFORE DELETE ON entry BEGIN
    SELECT RAISE(ABORT, 'entries are append-only');
END;
