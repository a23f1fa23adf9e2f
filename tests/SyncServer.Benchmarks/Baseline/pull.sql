\set space random(200000000001, @LAST@)
SELECT entity, record_id, rev, deleted, updated_at, updated_by, op_id, data FROM records WHERE space_id = ('00000000-0000-4000-8000-' || :space)::uuid AND seq > 1 ORDER BY seq LIMIT 100;
