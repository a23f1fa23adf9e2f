using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>
/// The index of revisions loses the first ones, and the second change of a record gains the position of its first. Writers go on
/// meanwhile; what is interrupted can be run again. A server from before it, which may go on as well, says of no second change where the
/// first one is.
/// </summary>
[DbContext(typeof(SyncDb))]
[Migration("20261128020000_FirstRevisions")]
internal sealed class FirstRevisions : Migration
{
    /// <summary>
    /// Changes that one transaction goes over. Retention waits for those that it fills in, with the lock of their space: for the fraction of a
    /// second that so many take, and not for as long as the log is.
    /// </summary>
    private const int Step = 10_000;

    private const string Revisions = "changes (space_id, entity, record_id, rev)";

    private static readonly string Fill = $"""
        DO $$
        DECLARE
            space uuid := '00000000-0000-0000-0000-000000000000';
            place bigint := 0;
        BEGIN
            LOOP
                WITH step AS (
                    SELECT space_id, seq, entity, record_id, rev, first_seq FROM changes
                    WHERE (space_id, seq) > (space, place) ORDER BY space_id, seq LIMIT {Step}),
                filled AS (
                    UPDATE changes c SET first_seq = f.seq
                    FROM step s JOIN changes f ON f.space_id = s.space_id AND f.entity = s.entity AND f.record_id = s.record_id AND f.rev = 1
                    WHERE s.rev = 2 AND s.first_seq IS NULL AND c.space_id = s.space_id AND c.seq = s.seq)
                SELECT space_id, seq INTO space, place FROM step ORDER BY space_id DESC, seq DESC LIMIT 1;
                EXIT WHEN NOT FOUND;
                COMMIT;
            END LOOP;
        END $$
        """;

    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql("ALTER TABLE changes ADD COLUMN IF NOT EXISTS first_seq bigint;");
        // While the old index finds the first ones.
        migrationBuilder.Sql(Fill, suppressTransaction: true);
        WholeKeys.Replace(migrationBuilder, "ux_changes_rev", "UNIQUE INDEX", Revisions + " WHERE rev > 1");
    }

    protected override void Down(MigrationBuilder migrationBuilder)
    {
        WholeKeys.Replace(migrationBuilder, "ux_changes_rev", "UNIQUE INDEX", Revisions);
        migrationBuilder.Sql("ALTER TABLE changes DROP COLUMN first_seq;");
    }
}
