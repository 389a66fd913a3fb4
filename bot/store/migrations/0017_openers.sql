-- Who opened a modal, and so may send it. Of those that are open nobody knows any more.
DELETE FROM opening;
ALTER TABLE opening ADD COLUMN member_id INTEGER NOT NULL DEFAULT 0;
