using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>
/// No index is left that a look-up by a whole key could use by a part of it, and for an empty table any looks as good as the right one:
/// that of principals holds the whole key of a membership, and that of positions serves only those who ask for positions. Writers go on
/// while the indexes are made; one that is interrupted leaves an index that nothing uses, which the next run drops.
/// </summary>
[DbContext(typeof(SyncDb))]
[Migration("20261127010000_WholeKeys")]
internal sealed class WholeKeys : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        Replace(migrationBuilder, "ix_members_principal", "INDEX", "members (principal, space_id)");
        Replace(migrationBuilder, "ux_records_seq", "UNIQUE INDEX", "records (space_id, seq) WHERE seq IS NOT NULL");
    }

    protected override void Down(MigrationBuilder migrationBuilder)
    {
        Replace(migrationBuilder, "ix_members_principal", "INDEX", "members (principal)");
        Replace(migrationBuilder, "ux_records_seq", "UNIQUE INDEX", "records (space_id, seq)");
    }

    /// <summary>Makes the index anew under another name, and has it take the place of the old one.</summary>
    /// <param name="migrationBuilder">Of the migration.</param>
    /// <param name="name">The index.</param>
    /// <param name="kind">Whether it is unique.</param>
    /// <param name="on">Its table and columns.</param>
    /// <param name="before">What is run when the new one is there and the old one still is, outside of any transaction.</param>
    internal static void Replace(MigrationBuilder migrationBuilder, string name, string kind, string on, string? before = null)
    {
        migrationBuilder.Sql($"DROP INDEX CONCURRENTLY IF EXISTS {name}_new", suppressTransaction: true);
        migrationBuilder.Sql($"CREATE {kind} CONCURRENTLY {name}_new ON {on}", suppressTransaction: true);
        if (before is not null)
        {
            migrationBuilder.Sql(before, suppressTransaction: true);
        }

        migrationBuilder.Sql($"DROP INDEX {name}; ALTER INDEX {name}_new RENAME TO {name};");
    }
}
