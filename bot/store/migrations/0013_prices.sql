-- What a model's tokens were priced at, from when on: a change is a new row, and what was held or
-- charged names the row that held then. What each charge should have been by it stands beside it.
CREATE TABLE price (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    -- nano-dollars per token; above $10,000 per million it is a mistake
    input INTEGER NOT NULL CHECK (input BETWEEN 0 AND 10000000),
    cached_input INTEGER NOT NULL CHECK (cached_input BETWEEN 0 AND 10000000),
    output INTEGER NOT NULL CHECK (output BETWEEN 0 AND 10000000),
    image_output INTEGER NOT NULL CHECK (image_output BETWEEN 0 AND 10000000)
) STRICT;
CREATE INDEX price_model ON price (model, id);
CREATE TRIGGER price_keeps BEFORE UPDATE ON price BEGIN
    SELECT RAISE(ABORT, 'prices are append-only');
END;
CREATE TRIGGER price_stays BEFORE DELETE ON price BEGIN
    SELECT RAISE(ABORT, 'prices are append-only');
END;
ALTER TABLE reservation ADD COLUMN price_id INTEGER NOT NULL DEFAULT 0; -- 0: before they were kept
ALTER TABLE entry ADD COLUMN price_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN rated_nano_usd INTEGER; -- null: the tokens are not known

DROP INDEX entry_report;
CREATE INDEX entry_report ON entry
    (server_id, day, member_id, channel_id, model, kind, basis, exchange_id, cost_nano_usd,
    over_nano_usd, rated_nano_usd);
