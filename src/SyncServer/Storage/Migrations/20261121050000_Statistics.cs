using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>
/// Has the planner take every space for a large one. One plan serves all spaces, and by the average of a database of small
/// ones it reads a whole space to find a record in it, which costs nothing there and a push of a large space everything.
/// Small spaces lose nothing: the plan for a large one looks a row up by its whole key.
/// </summary>
[DbContext(typeof(SyncDb))]
[Migration("20261121050000_Statistics")]
internal sealed class Statistics : Migration
{
    /// <summary>A value stands in a thousand rows, or in all of a smaller table: many enough that a look-up by a part of a key looks dear.</summary>
    private const string Thousand = "SET (n_distinct = -0.001)";

    private static readonly (string Table, string Column)[] Columns =
    [
        ("records", "space_id"), ("changes", "space_id"), ("outcomes", "space_id"), ("outcomes", "principal"), ("unchanged_ops", "space_id"),
        ("conflicts", "space_id"), ("unique_keys", "space_id"), ("members", "space_id"), ("members", "principal"),
    ];

    protected override void Up(MigrationBuilder migrationBuilder) => Alter(migrationBuilder, Thousand);

    protected override void Down(MigrationBuilder migrationBuilder) => Alter(migrationBuilder, "RESET (n_distinct)");

    private static void Alter(MigrationBuilder migrationBuilder, string change)
    {
        foreach (var (table, column) in Columns)
        {
            migrationBuilder.Sql($"ALTER TABLE {table} ALTER COLUMN {column} {change};");
        }

        // What is set counts from the next ANALYZE on, which of a table at rest may never come. An empty table is left alone: what
        // ANALYZE says of it is that it is empty, and plans for that would be kept while it grows.
        foreach (var table in Columns.Select(column => column.Table).Distinct())
        {
            migrationBuilder.Sql($"DO $$ BEGIN IF EXISTS (SELECT FROM {table}) THEN ANALYZE {table}; END IF; END $$");
        }
    }
}
