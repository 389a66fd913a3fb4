-- What the shelf no longer holds, and finding who shows a picture or brings a document.
CREATE TABLE pruned (
    blob_id TEXT PRIMARY KEY,
    pruned_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX piece_picture ON piece (picture_id) WHERE picture_id IS NOT NULL;
CREATE INDEX meant_picture ON meant (picture_id) WHERE picture_id IS NOT NULL;
CREATE INDEX document_blob ON document (blob_id) WHERE blob_id IS NOT NULL;
