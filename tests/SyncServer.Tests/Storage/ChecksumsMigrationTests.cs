using Microsoft.EntityFrameworkCore;

namespace SyncServer.Tests.Storage;

/// <summary>What the migration makes of a database that was written before it.</summary>
public sealed class ChecksumsMigrationTests
{
    [Fact]
    public async Task Existing_live_records_are_added_up_by_space_and_entity()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using (var source = database.Open())
        await using (var db = ScratchDatabase.Context(source))
        {
            await db.Database.MigrateAsync("20261120000000_Initial");
            await db.Database.ExecuteSqlRawAsync("""
                INSERT INTO totals (space_id, entity, live, applied, merged, parked, refused, replayed, reused, opened, resolved)
                SELECT space::uuid, entity, 0, 0, 0, 0, 0, 0, 0, 0, 0
                FROM unnest(ARRAY['00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002']) AS space,
                    unnest(ARRAY['note', '$member', 'gone']) AS entity;
                INSERT INTO records (space_id, entity, record_id, rev, seq, deleted, data, data_bytes, updated_at, updated_by, op_id)
                SELECT '00000000-0000-0000-0000-000000000001', u.entity, u.id, u.rev, u.seq, u.deleted, '{{}}', 2, '2026-11-20', 'alice', 'op'
                FROM (VALUES
                    ('note', '0190a3c2-7b1e-7c40-9d51-1f2e3d4c5b6a', 2, 1, false), ('note', 'deleted', 3, 2, true),
                    ('$member', 'alice', 1, 3, false), ('$member', 'bob', 1, 4, false), ('gone', 'x', 1, 5, true)) AS u(entity, id, rev, seq, deleted)
                """);
        }

        await using (var source = database.Open())
        await using (var db = ScratchDatabase.Context(source))
        {
            await db.Database.MigrateAsync("20261121020000_Checksums");
        }

        Assert.Equal(
            [
                // Of $member/alice:1 and $member/bob:1, whose sum is beyond 2^64.
                "1 $member 16380461070403227566", "1 gone 0", "1 note 10669973079541554293", "2 $member 0", "2 gone 0", "2 note 0",
            ],
            await database.LinesAsync("SELECT right(space_id::text, 1) || ' ' || entity || ' ' || sum FROM totals ORDER BY space_id, entity"));
    }
}
