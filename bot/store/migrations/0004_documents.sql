-- What a request brings beside pictures: text, or a PDF.
CREATE TABLE document (
    exchange_id INTEGER NOT NULL REFERENCES exchange (id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    announced_bytes INTEGER NOT NULL,  -- of the file, as Discord says
    url TEXT,                          -- until it is on the shelf
    blob_id TEXT,                      -- SHA-256 of what the model gets: UTF-8 text, or the PDF
    kind TEXT CHECK (kind IN ('text', 'pdf')),
    size_bytes INTEGER,
    json_bytes INTEGER,                -- of the text inside of a JSON string
    tokens INTEGER,                    -- an estimate
    tokens_max INTEGER,                -- what it counts at most
    PRIMARY KEY (exchange_id, position)
) STRICT, WITHOUT ROWID;
