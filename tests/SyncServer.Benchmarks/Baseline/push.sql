\set space random(100000000001, 100000001000)
\set op random(10000000000000000, 99999999999999999)
\set record random(10000000000000000, 99999999999999999)
\set tag random(1, 9000000000000000000)
BEGIN;
UPDATE spaces SET head = head + 1 WHERE space_id = ('00000000-0000-4000-8000-' || :space)::uuid RETURNING head \gset
INSERT INTO outcomes (space_id, principal, op_id, fingerprint, state, status, rev, etag, location, body, entity, decided_at) VALUES (('00000000-0000-4000-8000-' || :space)::uuid, 'pgbench', '7f3b8f2a-3f2a-4b86-' || :op, '\x2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae', 1, 201, 1, '"rev-1"', '/v1/spaces/00000000-0000-4000-8000-100000000001/records/note/0190a7c2-8d41-7000-' || :record, @BODY@, 'note', '2026-11-20T10:15:00Z');
INSERT INTO records (space_id, entity, record_id, rev, seq, deleted, data, data_bytes, updated_at, updated_by, op_id) VALUES (('00000000-0000-4000-8000-' || :space)::uuid, 'note', '0190a7c2-8d41-7000-' || :record, 1, :head, false, @DATA@, 300, '2026-11-20T10:15:00Z', 'pgbench', '7f3b8f2a-3f2a-4b86-' || :op);
INSERT INTO changes (space_id, seq, entity, record_id, rev, kind, op_id, principal, device, n, at, tag, patch, sent, before, bytes) VALUES (('00000000-0000-4000-8000-' || :space)::uuid, :head, 'note', '0190a7c2-8d41-7000-' || :record, 1, 1, '7f3b8f2a-3f2a-4b86-' || :op, 'pgbench', 'a', NULL, '2026-11-20T10:15:00Z', :tag, @DATA@, NULL, NULL, 300);
COMMIT;
