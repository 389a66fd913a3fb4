-- What an admitted request is expected to hold at least, so that no more are admitted than fit.
ALTER TABLE exchange ADD COLUMN expected_hold_nano_usd INTEGER NOT NULL DEFAULT 0;
