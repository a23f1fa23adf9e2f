using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>
/// The indexes by which retention finds what is past it. They are built while servers write, so outside of a transaction:
/// one that was interrupted leaves an index that nothing uses, which the next run drops before it builds it again.
/// </summary>
[DbContext(typeof(SyncDb))]
[Migration("20261121030000_Retention")]
internal sealed class Retention : Migration
{
    private static readonly (string Name, string On)[] Indexes =
    [
        ("ix_records_tombstones", "records (space_id, seq) WHERE deleted AND seq IS NOT NULL"),
        ("ix_outcomes_whole", "outcomes (space_id, decided_at) WHERE body IS NOT NULL"),
        ("ix_unchanged_ops_at", "unchanged_ops (space_id, at)"),
    ];

    protected override void Up(MigrationBuilder migrationBuilder)
    {
        foreach (var (name, on) in Indexes)
        {
            migrationBuilder.Sql($"DROP INDEX CONCURRENTLY IF EXISTS {name}", suppressTransaction: true);
            migrationBuilder.Sql($"CREATE INDEX CONCURRENTLY {name} ON {on}", suppressTransaction: true);
        }
    }

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql($"DROP INDEX {string.Join(", ", Indexes.Select(index => index.Name))};");
}
