using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>
/// Whole outcomes are found in the order of time, over all spaces: a new one then goes to the end of the index and is not searched a
/// place for. Writers go on while the index is made; a run that is interrupted leaves an index that nothing uses, which the next one drops.
/// </summary>
[DbContext(typeof(SyncDb))]
[Migration("20261128030000_OutcomesInOrder")]
internal sealed class OutcomesInOrder : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => Replace(migrationBuilder, "decided_at");

    protected override void Down(MigrationBuilder migrationBuilder) => Replace(migrationBuilder, "space_id, decided_at");

    private static void Replace(MigrationBuilder migrationBuilder, string columns) =>
        WholeKeys.Replace(migrationBuilder, "ix_outcomes_whole", "INDEX", $"outcomes ({columns}) WHERE body IS NOT NULL");
}
