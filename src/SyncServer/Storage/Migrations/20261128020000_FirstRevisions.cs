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
    /// Changes that one transaction fills in. Retention may wait for them, with the lock of their space: for a fraction of a second, and not
    /// for as long as the log is.
    /// </summary>
    private const int Step = 10_000;

    private const string Revisions = "changes (space_id, entity, record_id, rev)";

    // One by one, so that each is looked up by its whole key, whatever is known of the table.
    private static readonly string Fill = $"""
        DO $$
        DECLARE
            second record;
            filled bigint := 0;
        BEGIN
            FOR second IN SELECT space_id, seq, entity, record_id FROM changes WHERE rev = 2 AND first_seq IS NULL LOOP
                UPDATE changes c SET first_seq = f.seq FROM changes f
                WHERE c.space_id = second.space_id AND c.seq = second.seq
                    AND f.space_id = second.space_id AND f.entity = second.entity AND f.record_id = second.record_id AND f.rev = 1;
                filled := filled + 1;
                IF filled % {Step} = 0 THEN
                    COMMIT;
                END IF;
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
