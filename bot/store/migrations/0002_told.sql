-- What the owner was told, so that it is not told again and again.
CREATE TABLE told (
    subject TEXT PRIMARY KEY,
    told_ms INTEGER NOT NULL
) STRICT;
