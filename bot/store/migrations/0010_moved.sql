-- Answers that stand elsewhere than where they were asked, for nothing can be said there any more.
ALTER TABLE exchange ADD COLUMN parent_channel_id INTEGER;  -- of the thread it was asked in
ALTER TABLE exchange ADD COLUMN moved TEXT CHECK (moved IN ('channel', 'direct', 'history'));
UPDATE exchange SET moved = 'direct' WHERE private = 1 AND EXISTS (
    SELECT 1 FROM message WHERE message.exchange_id = exchange.id
    AND message.part = 0 AND message.channel_id <> exchange.channel_id);
