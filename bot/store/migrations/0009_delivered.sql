-- When an answer was shown whose cost is not known yet: it is not shown again, only amended.
ALTER TABLE exchange ADD COLUMN delivered_ms INTEGER;
